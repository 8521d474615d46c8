#include "common/services/json_pointer.h"

void json_pointer_add_name(struct buf *pointer, const char *name)
{
	buf_add_char(pointer, '/');
	for (; *name; name++) {
		if (*name == '~')
			buf_add_str(pointer, "~0");
		else if (*name == '/')
			buf_add_str(pointer, "~1");
		else
			buf_add_char(pointer, *name);
	}
}

void json_pointer_add_index(struct buf *pointer, size_t index)
{
	buf_addf(pointer, "/%zu", index);
}
