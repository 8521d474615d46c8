#include "common/base/compiler.h"

#include <stdlib.h>

void cleanup_free_at(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}
