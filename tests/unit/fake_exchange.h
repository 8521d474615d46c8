/*
 * Exchanges of http_server.h with a streamed response, without an HTTP server, for unit tests: they wrap
 * http_exchange_wake(), http_exchange_is_present() and http_exchange_drop() (Makefile, UNIT_WRAPPED). A test creates
 * one, and uses its address as the exchange.
 */
#ifndef TESTS_UNIT_FAKE_EXCHANGE_H
#define TESTS_UNIT_FAKE_EXCHANGE_H

#include "api-svc/http/http_server.h"

struct fake_exchange {
	int woken; /* how often */
	bool gone; /* its client */
	bool dropped;
};

struct http_exchange *fake_exchange_of(struct fake_exchange *fake);

#endif
