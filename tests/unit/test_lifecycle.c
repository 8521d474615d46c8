/* lifecycle: shutdown even if something hangs. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "common/services/lifecycle.h"

Test(lifecycle, a_stop_that_hangs_ends_with_the_code_that_was_given, .exit_code = 3)
{
	lifecycle_begin_stop(-4900, 3); /* 100 ms from now */
	sleep(10);
}
