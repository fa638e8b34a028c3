from mlplatform.embedded.backoff import Backoff


def test_delays_double_up_to_the_limit() -> None:
    backoff = Backoff(first_s=0.5, limit_s=30.0)
    assert [backoff.delay(0.0) for _ in range(9)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_stable_child_starts_over() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.delay(1.0)
    assert backoff.delay(60.0) == 0.5


def test_it_never_gives_up() -> None:
    backoff = Backoff()
    assert {backoff.delay(0.0) for _ in range(5000)} <= {0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0}
