/*
 * Who may come in: bearer tokens from an option or from a file that may change while the server runs.
 */
#ifndef KUBESIM_AUTH_H
#define KUBESIM_AUTH_H

#include <stdbool.h>
#include <stddef.h>

struct sim_auth;

/* token and token_file are borrowed; both NULL: everybody may come in. */
struct sim_auth *sim_auth_create(const char *token, const char *token_file);
void sim_auth_destroy(struct sim_auth *a);

/*
 * Does the Authorization header (NULL: there is none) open the door? `user` gets the name that goes with the token.
 * Reads the file again when it has changed.
 */
bool sim_auth_check(struct sim_auth *a, const char *authorization, char *user, size_t user_size);

#endif
