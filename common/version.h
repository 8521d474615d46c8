/*
 * The version of this build, taken from git by the Makefile.
 */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

/* A SemVer text such as "0.1.0" or "0.1.0-12-gabc1234"; never NULL. */
const char *version_text(void);

#endif
