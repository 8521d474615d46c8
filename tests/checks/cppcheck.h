/* Declarations for cppcheck, which does not read the headers of the libraries. */
#define cJSON_ArrayForEach(element, array) \
	for (element = (array) ? (array)->child : 0; element; element = element->next)
