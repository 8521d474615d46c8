"""Many containers and large ones."""

import concurrent.futures
import threading
import time

from api import spec

LARGE = 8 * 1024


def create_many(stack, ids, make_spec):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda i: stack.api.create(make_spec(i), i).status, ids))
    assert statuses == [201] * len(ids)


def test_a_page_of_a_thousand_large_containers_arrives_whole(stack):
    ids = sorted(f"big-{i:04d}" for i in range(1000))
    env = [{"name": f"V{i}", "value": "x" * 1000} for i in range(LARGE // 1000)]
    create_many(stack, ids, lambda _: spec(process={"env": env}))
    page = stack.api.list(max_page_size=1000)
    assert page.status == 200 and len(page.text) > 1000 * LARGE
    assert [c["id"] for c in page.json["containers"]] == ids
    assert all(len(c["spec"]["process"]["env"]) == len(env) for c in page.json["containers"])
    assert page.json["next_page_token"] == ""


def test_twelve_hundred_containers_page_by_page_under_change(stack):
    ids = sorted(f"p{i:04d}" for i in range(1200))
    create_many(stack, ids, lambda i: spec())
    assert [c["id"] for c in stack.api.list_all(100)] == ids
    stop = threading.Event()

    def churn():
        i = 0
        while not stop.is_set():
            stack.api.create(spec(), f"churn-{i}")
            stack.api.delete(f"churn-{i}")
            i += 1

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        changes = [pool.submit(churn) for _ in range(2)]
        try:
            listed = [c["id"] for c in stack.api.list_all(37)]
        finally:
            stop.set()
        for c in changes:
            c.result()
    assert [i for i in listed if not i.startswith("churn")] == ids
    assert listed == sorted(listed) and len(set(listed)) == len(listed)
    time.sleep(0.1)
