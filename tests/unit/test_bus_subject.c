#include <criterion/criterion.h>
#include <string.h>

#include "common/base/compiler.h"
#include "common/bus/bus.h"

static const struct {
	const char *text;
	bool subject, inbox;
} subjects[] = {
	{ "_INBOX.a.b", true, true },
	{ "_INBOX_me.a", true, true },
	{ "dcm.container", true, false },
	{ "$KV.a.b", true, false },
	{ "a", true, false },
	{ "_INBOX.\xC3\xA4", true, true },
	{ "", false, false },
	{ ".", false, false },
	{ "_INBOX.", false, false },
	{ "_INBOX..a", false, false },
	{ "._INBOX", false, false },
	{ "_INBOX.*", false, false },
	{ "_INBOX.>", false, false },
	{ "_INBOX.a b", false, false },
	{ "_INBOX.a\tb", false, false },
	{ "_INBOX.a\r\nPUB x 0\r\n", false, false },
	{ "_INBOX.\x7F", false, false },
};

Test(bus_subject, subjects_and_inboxes_are_validated)
{
	char text[4096] = "";

	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		cr_expect_eq(bus_is_subject(subjects[i].text), subjects[i].subject, "'%s'", subjects[i].text);
		cr_expect_eq(bus_is_inbox(subjects[i].text), subjects[i].inbox, "'%s'", subjects[i].text);
	}
	memset(text, 'a', sizeof(text) - 1);
	cr_expect_not(bus_is_subject(text));
}
