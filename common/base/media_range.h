/*
 * The header Accept (RFC 9110, section 12.5.1). Pure.
 */
#ifndef COMMON_BASE_MEDIA_RANGE_H
#define COMMON_BASE_MEDIA_RANGE_H

/*
 * The weight of a media range in thousandths, 0..1000, by its exact name ("text/plain"); wildcards are not considered.
 * The highest if it is listed several times; -1 if it is not listed. An invalid weight counts as 1. accept: NULL: no
 * header.
 */
int media_range_weight(const char *accept, const char *range);

#endif
