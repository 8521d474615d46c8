/*
 * A process's life: signals, and what systemd wants to hear (sd_notify). Without $NOTIFY_SOCKET, or without libsystemd
 * on the machine, the notifications do nothing.
 */
#ifndef COMMON_SERVICES_LIFECYCLE_H
#define COMMON_SERVICES_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

/* Ignore SIGPIPE: OpenSSL and cnats write to dead sockets. config_start() does it, for --health as well. */
void lifecycle_ignore_broken_pipes(void);

/*
 * Block SIGTERM and SIGINT for this and all later threads, ignore SIGPIPE, and leave no core dump: memory has
 * credentials. Call in main(), before any thread.
 */
void lifecycle_init(void);

/*
 * Wait for SIGTERM, SIGINT or lifecycle_stop(). Blocks. Under a systemd watchdog it says WATCHDOG=1 in time, but only
 * while `alive(ctx)` is true; alive may be NULL. Two seconds after the start it gives back what the start has used up
 * (footprint_trim()).
 */
void lifecycle_wait(bool (*alive)(void *ctx), void *ctx);

/* Make lifecycle_wait() return, from any thread. */
void lifecycle_stop(void);

/*
 * The stop begins: systemd is told, and the process ends 5 s after timeout_ms at the latest, with exit_code, whatever
 * hangs then (cnats waits in the resolver with its lock held). Call once.
 */
void lifecycle_begin_stop(int64_t timeout_ms, int exit_code);

/* Tell systemd: ready to serve; one line about the state (borrowed). */
void lifecycle_notify_ready(void);
void lifecycle_notify_status(const char *status);

#endif
