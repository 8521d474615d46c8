/*
 * Unsafe functions do not compile; each names its replacement. The system headers are included first, so that their
 * declarations still compile.
 */
#ifndef COMMON_BASE_BANNED_H
#define COMMON_BASE_BANNED_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(name, instead) name##_is_banned_use_##instead

#undef strcpy
#define strcpy(d, s) BANNED(strcpy, buf_or_snprintf)
#undef strcat
#define strcat(d, s) BANNED(strcat, buf)
#undef strncpy
#define strncpy(d, s, n) BANNED(strncpy, buf_or_snprintf)
#undef strncat
#define strncat(d, s, n) BANNED(strncat, buf)
#undef sprintf
#define sprintf(...) BANNED(sprintf, snprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf, vsnprintf)
#undef strtok
#define strtok(s, d) BANNED(strtok, strchr)
#undef atoi
#define atoi(s) BANNED(atoi, str_parse_int64)
#undef atol
#define atol(s) BANNED(atol, str_parse_int64)
#undef gmtime
#define gmtime(t) BANNED(gmtime, gmtime_r)
#undef localtime
#define localtime(t) BANNED(localtime, gmtime_r)
#undef pthread_cond_timedwait
#define pthread_cond_timedwait(c, m, t) BANNED(pthread_cond_timedwait, thread_wait)
#undef strerror
#define strerror(e) BANNED(strerror, error_errno_text)

#endif
