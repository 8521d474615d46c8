#include "tests/unit/fake_worker_stream.h"

static struct kube_flow *used;

struct kube_flow *__real_worker_stream_kube(struct worker_stream *stream);
struct kube_flow *__wrap_worker_stream_kube(struct worker_stream *stream);
void __real_worker_stream_wake(struct worker_stream *stream);
void __wrap_worker_stream_wake(struct worker_stream *stream);

void fake_worker_stream_use(struct kube_flow *flow)
{
	used = flow;
}

struct kube_flow *__wrap_worker_stream_kube(struct worker_stream *stream)
{
	return used ? used : __real_worker_stream_kube(stream);
}

void __wrap_worker_stream_wake(struct worker_stream *stream)
{
	if (!used)
		__real_worker_stream_wake(stream);
}
