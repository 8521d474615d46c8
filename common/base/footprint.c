#include "common/base/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/compiler.h"

/* Only read-only segments: relocated data is private to the process and would be lost. */
static int release_object(struct dl_phdr_info *info, size_t size unused, void *ctx)
{
	uintptr_t page_mask = ~((uintptr_t) * (const long *)ctx - 1);

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + segment->p_vaddr;
		uintptr_t end = (start + segment->p_memsz) & page_mask;

		start &= page_mask;
		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) && end > start)
			(void)madvise((void *)start, end - start, MADV_DONTNEED); /* may fail */
	}
	return 0;
}

/* Sanitizers replace the heap of glibc, which must not be trimmed then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HEAP_IS_GLIBC 0
#elif defined(__has_feature)
#define HEAP_IS_GLIBC (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define HEAP_IS_GLIBC 1
#endif

void footprint_trim_heap(void)
{
#if HEAP_IS_GLIBC
	malloc_trim(0);
#endif
}

void footprint_trim(void)
{
	long page = sysconf(_SC_PAGESIZE);

	footprint_trim_heap();
	dl_iterate_phdr(release_object, &page);
}
