/* What cppcheck has to know of the libraries: it does not read their headers. */
#define cJSON_ArrayForEach(element, array) \
	for (element = (array) ? (array)->child : 0; element; element = element->next)
