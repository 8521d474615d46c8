/*
 * The header Accept (RFC 9110, section 12.5.1): what a client wants, and how much. Pure.
 */
#ifndef COMMON_BASE_MEDIA_RANGE_H
#define COMMON_BASE_MEDIA_RANGE_H

/*
 * The weight of a media range in thousandths, 0..1000, by its name alone ("text/plain"): what other ranges cover
 * it is not asked. The highest when it is named several times; -1 when it is not. A weight that is none counts as 1.
 * accept: NULL: no header.
 */
int media_range_weight(const char *accept, const char *range);

#endif
