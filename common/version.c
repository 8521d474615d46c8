#include "common/version.h"

#ifndef DCM_SP_VERSION
#error "the Makefile defines DCM_SP_VERSION"
#endif

const char *version_text(void)
{
	return DCM_SP_VERSION;
}
