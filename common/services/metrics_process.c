#include "common/services/metrics_process.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/compiler.h"
#include "common/version.h"

#define FILES "/proc/self/fd"
#define STAT_MAX 1024 /* bytes of /proc/self/stat */

static const char *process_value(size_t index unused)
{
	return program_invocation_short_name;
}

static const char *version_value(size_t index unused)
{
	return version_text();
}

static struct metric_cell build, start, cpu, resident, open_files, max_files, threads;

/* clang-format off */
static const struct metric
	build_metric = { .name = "dcm_sp_build_info", .help = "Program and version; always 1",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &build,
		.labels = { { "process", 1, process_value }, { "version", 1, version_value } } },
	start_metric = { .name = "process_start_time_seconds", .help = "Start time of the process since 1970-01-01T00:00:00Z",
		.unit = "seconds", .type = METRIC_GAUGE, .scale = METRIC_MS, .cells = &start },
	cpu_metric = { .name = "process_cpu_seconds", .help = "User and system CPU time",
		.unit = "seconds", .type = METRIC_COUNTER, .scale = METRIC_NS, .cells = &cpu },
	resident_metric = { .name = "process_resident_memory_bytes", .help = "Resident memory", .unit = "bytes",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &resident },
	open_metric = { .name = "process_open_fds", .help = "Open file descriptors",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &open_files },
	max_metric = { .name = "process_max_fds", .help = "Maximum number of open file descriptors",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &max_files },
	threads_metric = { .name = "process_threads", .help = "Threads",
		.type = METRIC_GAUGE, .scale = METRIC_ONE, .cells = &threads };
/* clang-format on */

const struct metric *const metrics_process[] = {
	&build_metric, &start_metric, &cpu_metric, &resident_metric, &open_metric, &max_metric, &threads_metric, NULL,
};

/* Computed from the time since boot, because /proc/stat is hidden by the units' sandbox. */
static void set_start(int64_t start_ticks)
{
	struct timespec up;
	int64_t ago_ms;

	if (clock_gettime(CLOCK_BOOTTIME, &up))
		return;
	ago_ms = up.tv_sec * 1000 + up.tv_nsec / 1000000 - start_ticks * 1000 / sysconf(_SC_CLK_TCK);
	metric_set(&start_metric, 0, clock_wall_ms() - ago_ms);
}

/*
 * proc(5): after the name in parentheses, threads are the 18th field, the start the 20th and resident pages the 22nd.
 */
static void read_stat(void)
{
	char text[STAT_MAX];
	FILE *f = fopen("/proc/self/stat", "re");
	size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	const char *fields;
	int64_t thread_count, start_ticks, pages;

	if (f)
		fclose(f);
	text[len] = '\0';
	fields = strrchr(text, ')');
	if (!fields || sscanf(fields,
			      ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNd64
			      " %*s %" SCNd64 " %*s %" SCNd64,
			      &thread_count, &start_ticks, &pages) != 3)
		return;
	metric_set(&threads_metric, 0, thread_count);
	metric_set(&resident_metric, 0, pages * sysconf(_SC_PAGESIZE));
	if (metric_get(&start_metric, 0) == 0)
		set_start(start_ticks);
}

/* Linux 6.2 and newer report their number as the size of the directory. */
static void count_files(void)
{
	struct stat folder;
	DIR *files;
	int64_t count = -3; /* ".", ".." and the directory itself */

	if (stat(FILES, &folder) == 0 && folder.st_size > 0) {
		metric_set(&open_metric, 0, folder.st_size);
		return;
	}
	files = opendir(FILES);
	if (!files)
		return;
	while (readdir(files))
		count++;
	closedir(files);
	metric_set(&open_metric, 0, count);
}

void metrics_process_collect(void)
{
	struct rusage usage;
	struct rlimit files;

	metric_set(&build_metric, 0, 1);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		metric_set(&cpu_metric, 0,
			   (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
				   (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		metric_set(&max_metric, 0, files.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)files.rlim_cur);
	read_stat();
	count_files();
}
