#include "common/base/random.h"

#include <sys/random.h>

int64_t random_below(int64_t limit)
{
	uint64_t bits = 0;

	if (limit <= 1)
		return 0;
	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
		return 0;
	return (int64_t)(bits % (uint64_t)limit);
}
