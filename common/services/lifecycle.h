/*
 * Process life cycle: signals and systemd notifications (sd_notify), which do nothing without $NOTIFY_SOCKET or
 * libsystemd.
 */
#ifndef COMMON_SERVICES_LIFECYCLE_H
#define COMMON_SERVICES_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

/* Ignore SIGPIPE: OpenSSL and cnats write to dead sockets. config_start() does it, for --health as well. */
void lifecycle_ignore_broken_pipes(void);

/*
 * Block SIGTERM and SIGINT for this and all later threads, ignore SIGPIPE, and disable core dumps, because memory has
 * credentials. Call in main(), before any thread.
 */
void lifecycle_init(void);

/*
 * Wait for SIGTERM, SIGINT or lifecycle_stop(). Blocks. Under a systemd watchdog it sends WATCHDOG=1 while `alive(ctx)`
 * is true; alive may be NULL. Two seconds after startup it calls footprint_trim().
 */
void lifecycle_wait(bool (*alive)(void *ctx), void *ctx);

/* Make lifecycle_wait() return, from any thread. */
void lifecycle_stop(void);

/*
 * Begin the shutdown: notify systemd, and force the exit with exit_code 5 s after timeout_ms, even if a thread hangs
 * (cnats may block in the resolver with its lock held). Call once.
 */
void lifecycle_begin_stop(int64_t timeout_ms, int exit_code);

/* Notify systemd: ready; status line (borrowed). */
void lifecycle_notify_ready(void);
void lifecycle_notify_status(const char *status);

#endif
