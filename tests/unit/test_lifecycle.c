/* lifecycle: shutdown even if something hangs. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "common/services/lifecycle.h"

Test(lifecycle, a_hanging_shutdown_exits_with_the_given_code, .exit_code = 3)
{
	lifecycle_begin_stop(-4900, 3); /* 100 ms from now */
	sleep(10);
}
