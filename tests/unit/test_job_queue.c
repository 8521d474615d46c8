#include <criterion/criterion.h>

#include "kube-worker/operation/job_queue.h"

#define MS INT64_C(1000000)
#define CAPACITY 4

static struct job job_of(enum operation operation, int64_t begin_by_ns)
{
	return (struct job){ .operation = operation, .received_ns = 0, .begin_by_ns = begin_by_ns };
}

static bool push(struct job_queue *queue, enum operation operation, int64_t begin_by_ns)
{
	struct job job = job_of(operation, begin_by_ns);

	return job_queue_push(queue, &job, 10 * MS, 2);
}

Test(job_queue, fifo_up_to_its_capacity)
{
	struct job_queue queue;

	cr_assert_eq(job_queue_init(&queue, CAPACITY, NULL), RC_OK);
	for (int round = 0; round < 3; round++) { /* around the ring */
		for (int i = 0; i < CAPACITY; i++)
			cr_assert(push(&queue, (enum operation)i, INT64_MAX));
		cr_expect_not(push(&queue, OPERATION_GET, INT64_MAX), "it is full");
		for (int i = 0; i < 3; i++)
			cr_expect_eq(job_queue_pop(&queue).operation, (enum operation)i);
		cr_expect_eq(queue.count, 1);
		cr_expect_eq(job_queue_pop(&queue).operation, (enum operation)3);
	}
	job_queue_clear(&queue);
}

Test(job_queue, a_job_that_would_start_too_late_is_rejected)
{
	struct job_queue queue;

	cr_assert_eq(job_queue_init(&queue, CAPACITY, NULL), RC_OK);
	cr_expect_not(push(&queue, OPERATION_GET, 2 * MS), "two threads, 10 ms each: in 5 ms, or half of that");
	cr_expect(push(&queue, OPERATION_GET, 3 * MS));
	cr_expect_not(push(&queue, OPERATION_GET, 4 * MS));
	cr_expect(push(&queue, OPERATION_GET, 5 * MS));
	job_queue_clear(&queue);
}

Test(job_queue, late_jobs_are_removed_and_the_others_keep_their_order)
{
	struct job_queue queue;
	struct job late[CAPACITY];

	cr_assert_eq(job_queue_init(&queue, CAPACITY, NULL), RC_OK);
	cr_assert(push(&queue, OPERATION_CREATE, 100 * MS));
	cr_assert(push(&queue, OPERATION_GET, INT64_MAX));
	cr_assert(push(&queue, OPERATION_LIST, 50 * MS));
	cr_assert(push(&queue, OPERATION_DELETE, 300 * MS));
	cr_expect_eq(job_queue_take_late(&queue, 50 * MS, late, CAPACITY), 0);
	cr_expect_eq(job_queue_take_late(&queue, 200 * MS, late, 1), 1, "limited by the size of the array");
	cr_expect_eq(late[0].operation, OPERATION_CREATE);
	cr_expect_eq(job_queue_take_late(&queue, 200 * MS, late, CAPACITY), 1);
	cr_expect_eq(late[0].operation, OPERATION_LIST);
	cr_expect_eq(queue.count, 2);
	cr_expect_eq(job_queue_at(&queue, 1)->operation, OPERATION_DELETE);
	cr_expect_eq(job_queue_pop(&queue).operation, OPERATION_GET);
	cr_expect_eq(job_queue_pop(&queue).operation, OPERATION_DELETE);
	job_queue_clear(&queue);
}
