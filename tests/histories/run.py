"""Makes one history: clients in threads, a server that may be killed between, a last read.

Also here: what a planted bug changes in what a client reports (`plant`).
"""

import random
import threading
import time
from dataclasses import dataclass, field

import pymysql

from tests.harness.server import Server

from .record import History, Op, Txn
from .session import Rollback, Session, connect
from .workloads import FAR, WORKLOADS

ROLLBACKS, AUTO = 0.06, 0.2


@dataclass
class Plan:
    """What to run."""

    kind: str
    level: str
    seed: str
    transactions: int
    clients: int = 6
    kills: int = 0
    plant: str = ""


@dataclass
class Made:
    """What came of it."""

    history: History
    errors: list[str] = field(default_factory=list)
    kills: int = 0


class Maker:
    def __init__(self, server: Server, plan: Plan, database: str):
        self.server, self.plan, self.database = server, plan, database
        self.workload = WORKLOADS[plan.kind]()
        self.made = Made(History(plan.kind, plan.level, plan.seed, self.workload.initial()))
        self.lock = threading.Lock()
        self.begun = 0
        self.halted = threading.Event()

    def make(self) -> Made:
        self.prepare()
        threads = [threading.Thread(target=self.client, args=(n,), daemon=True) for n in range(self.plan.clients)]
        for thread in threads:
            thread.start()
        self.kill_between(threads)
        for thread in threads:
            thread.join(300)
            if thread.is_alive():
                self.made.errors.append("a client hangs")
        self.halted.set()
        self.read_all()
        setup = connect(self.server.mysql_port)
        setup.cursor().execute(f"DROP DATABASE {self.database}")
        setup.close()
        return self.made

    def prepare(self) -> None:
        setup = connect(self.server.mysql_port)
        with setup.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {self.database}")
            cursor.execute(f"USE {self.database}")
            for sql in self.workload.tables:
                cursor.execute(sql)
            for key, n, value, money in self.workload.initial().values():
                cursor.execute(f"INSERT INTO item VALUES ({key}, {key // 4}, {n}, {value}, {money})")
        setup.close()

    def kill_between(self, threads: list) -> None:
        dice = random.Random(f"kill/{self.plan.seed}")
        marks = sorted(dice.randrange(self.plan.transactions // 10, self.plan.transactions * 9 // 10) for _ in range(self.plan.kills))
        for mark in marks:
            while self.begun < mark and any(thread.is_alive() for thread in threads):
                time.sleep(0.005)
            self.server.kill()
            self.made.kills += 1
            self.server.start()

    def client(self, number: int) -> None:
        dice = random.Random(f"{self.plan.seed}/{number}")
        levels = ("READ COMMITTED", "REPEATABLE READ")
        level = levels[number % 2] if self.plan.level == "mixed" else self.plan.level
        session = None
        while not self.halted.is_set():
            try:
                session = session or Session(self.server.mysql_port, self.database, level)
            except (pymysql.err.MySQLError, OSError):
                self.halted.wait(0.02)
                continue
            with self.lock:
                if self.begun >= self.plan.transactions:
                    break
                self.begun += 1
                txn = Txn(self.begun, number, level)
            if not self.one(session, txn, dice):
                session = None
        if session:
            session.close()

    def one(self, session: Session, txn: Txn, dice: random.Random) -> bool:
        """One transaction, recorded; False where the connection is gone."""
        txn.auto = self.plan.kind != "bank" and dice.random() < AUTO
        begin = "" if txn.auto else dice.choice(["BEGIN", "START TRANSACTION"])
        if begin and txn.level == "REPEATABLE READ" and dice.random() < 0.1:
            begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT"
        try:
            told = session.transaction(txn, begin, lambda txn, run: self.body(txn, run, dice))
        except ConnectionError:
            told, session = None, None
        plant(self.plan.plant, txn, dice)
        with self.lock:
            if txn.ops:
                self.made.history.txns.append(txn)
            if told:
                self.made.errors.append(told)
        return session is not None

    def body(self, txn: Txn, run, dice: random.Random) -> None:
        if txn.auto:
            def once(op, *sql):
                return run(op, *sql) if not txn.ops and len(sql) == 1 else op
            self.workload.step(dice, once)
            return
        steps, has_savepoint = dice.randint(1, 8), False
        for _ in range(steps):
            self.workload.step(dice, run)
            if dice.random() < 0.04:
                run(Op("savepoint"), "SAVEPOINT s")
                has_savepoint = True
            elif has_savepoint and dice.random() < 0.2:
                run(Op("undo"), "ROLLBACK TO SAVEPOINT s")
        if dice.random() < ROLLBACKS:
            raise Rollback

    def read_all(self) -> None:
        """Everything, after all others."""
        session = Session(self.server.mysql_port, self.database, "REPEATABLE READ")
        txn = Txn(self.plan.transactions + 1, -1, "REPEATABLE READ", final=True)

        def body(txn, run):
            if self.plan.kind == "append-rows":
                op = run(Op("read", span=[0, FAR]), "SELECT list, position, value FROM element ORDER BY list, position")
                lists = {}
                for key, position, value in op.rows:
                    row = lists.setdefault(key, [key, 0, []])
                    row[1] = position
                    row[2].append(value)
                op.rows = list(lists.values())
            else:
                self.workload.rows(run(Op("read", span=[0, FAR]), f"SELECT {self.workload.columns} FROM item"))
        told = session.transaction(txn, "BEGIN", body)
        if told or txn.status != "ok":
            self.made.errors.append(f"the last read: {told or txn.reason}")
        self.made.history.txns.append(txn)
        session.close()


def plant(bug: str, txn: Txn, dice: random.Random) -> None:
    """Doctors what a client reports, for tests that must turn red.

    stale: a plain read lacks the newest element; drop: a read lacks a row;
    ack: a rollback is reported as a commit."""
    reads = [op for op in txn.ops if op.f == "read" and op.rows]
    if bug == "ack" and txn.reason == "intent" and any(op.f == "write" and op.changed for op in txn.ops):
        txn.status, txn.reason, now = "ok", "", txn.ops[-1].ended
        txn.end = [now, now]
    elif bug in ("stale", "drop") and reads and dice.random() < 0.02:
        op = dice.choice(reads)
        if bug == "drop":
            del op.rows[0]
        elif isinstance(op.rows[0][2], list) and len(op.rows[0][2]) > 1:
            op.rows[0][1] -= 1
            op.rows[0][2] = op.rows[0][2][:-1]
