#include "tests/unit/fake_exchange.h"

void __wrap_http_exchange_wake(struct http_exchange *exchange);
bool __wrap_http_exchange_is_present(const struct http_exchange *exchange);
void __wrap_http_exchange_drop(struct http_exchange *exchange);

struct http_exchange *fake_exchange_of(struct fake_exchange *fake)
{
	return (struct http_exchange *)fake;
}

void __wrap_http_exchange_wake(struct http_exchange *exchange)
{
	((struct fake_exchange *)exchange)->woken++;
}

bool __wrap_http_exchange_is_present(const struct http_exchange *exchange)
{
	return !((const struct fake_exchange *)exchange)->gone;
}

void __wrap_http_exchange_drop(struct http_exchange *exchange)
{
	((struct fake_exchange *)exchange)->dropped = true;
}
