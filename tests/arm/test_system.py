"""The packages of a post in an emulated 64-bit ARM Debian, from installation to removal, one test after the other."""

import re

from platepost.simulator.ground.subscriber import Arrival
from platepost.wire.records import Keyring
from platepost.wire.verify.verify import Verifier
from tests.arm.conftest import FRAMES, Site, say


def reason(record: Arrival) -> str:
    return str(record.data.get("reason"))


def test_the_packages_install_and_wait_for_an_identity(site: Site) -> None:
    machine = site.machine
    machine.run("mount -o ro /dev/vdb /mnt")
    machine.run(f"cp -r /mnt/frames {FRAMES}")
    say(machine.run("dpkg -i /mnt/*.deb", seconds=1800).splitlines()[-1])
    assert machine.run("systemctl is-enabled platepost.service platepost-reboot.path").split() == ["enabled"] * 2
    assert "inactive" in machine.run("systemctl is-active platepost", allowed=(0, 3))
    assert set(machine.run("id -nG platepost").split()) == {"platepost", "video", "gpio", "tss"}
    assert machine.run("stat -c '%a %U' /etc/platepost/keys") == "700 root"


def test_a_unit_that_is_given_an_identity_is_a_post(site: Site) -> None:
    say(site.machine.run("platepost-adopt /mnt/post-1", seconds=900))
    site.wait_for("systemctl is-active platepost | grep -x active", "active")
    site.wait_for("systemctl show -p StatusText platepost", "connected to broker.example")
    say(site.machine.run("systemctl show -p StatusText -p MemoryCurrent platepost").replace("\n", ", "))
    judged = site.machine.run("systemd-analyze security platepost")
    score = re.search(r"exposure level for platepost.service: [\d.]+ \w+", judged)
    assert score is not None
    say(score[0])


def test_its_reads_arrive(site: Site) -> None:
    read = site.await_record("read")
    assert read.data["plate_read"]
    say(f"a read arrived: confidence {read.data['confidence']}, {read.data['frames_seen']} frames")
    status = site.arrived("status")[-1].data
    say(f"status: {status['state']}, {[found['name'] for found in status.get('reasons', ())]}")
    health = site.await_record("health").data
    say(f"health: {health['frame_rate']} frames/s, {health['memory_bytes'] / 2**20:.0f} MiB, {health['inference']}")


def test_it_owns_no_door_and_none_of_its_keys(site: Site) -> None:
    own = site.machine.run("id -u platepost")
    listening = "awk '$4 == \"0A\" {print $8}' /proc/net/tcp /proc/net/tcp6"
    assert own not in site.machine.run(listening).split()
    keys = site.machine.run("ls /etc/platepost/keys").split()
    assert {"signing_key.pem", "unseal_key.pem", "private_key.pem", "outbox.key"} <= set(keys)
    inside = f"nsenter -t {site.pid()} -m -S {own} -- "
    assert "Permission denied" in site.machine.run(f"{inside} cat /etc/platepost/keys/outbox.key", allowed=(1,))
    for place in ("/usr/lib/platepost", "/etc", "/boot", "/home"):
        assert "cannot touch" in site.machine.run(f"{inside} touch {place}/x", allowed=(1,))
    site.machine.run(f"{inside} touch /var/lib/platepost/x && rm /var/lib/platepost/x")


def test_killed_it_is_started_again_and_says_so(site: Site) -> None:
    before, seen = site.pid(), len(site.subscriber.arrivals)
    site.machine.run(f"kill -9 {before}")
    died = site.await_record("audit", since=seen, action="died")
    assert reason(died) == "signal"
    assert site.pid() != before
    say(f"killed, and started again; audited: died, {reason(died)}, {died.data['details']}")
    site.await_record("read", since=seen)


def test_hung_it_is_ended_by_the_watchdog_and_says_so(site: Site) -> None:
    before, seen = site.pid(), len(site.subscriber.arrivals)
    site.machine.run(f"kill -STOP {before}")
    died = site.await_record("audit", since=seen, action="died")
    assert reason(died) == "watchdog"
    assert site.pid() != before
    say(f"stopped, and the watchdog started it again; audited: died, {reason(died)}")
    site.await_record("read", since=seen)
    say(site.machine.run("systemctl show -p NRestarts -p Result platepost").replace("\n", ", "))


def test_after_the_machine_s_restart_it_works_again(site: Site) -> None:
    seen = len(site.subscriber.arrivals)
    site.machine.send("systemctl reboot")
    say(f"the machine started again within {site.machine.await_shell():.0f} s")
    site.wait_for("systemctl is-active platepost | grep -x active", "active")
    boot = site.await_record("audit", since=seen, action="boot")
    stop = site.await_record("audit", since=seen, action="stop")
    assert boot.received >= stop.received
    assert not [one for one in site.arrived("audit", since=seen) if one.data["action"] == "died"]
    site.await_record("read", since=seen)
    say("reads arrive again")


def test_nothing_of_the_chain_is_missing(site: Site) -> None:
    site.machine.run("systemctl stop platepost", seconds=300)
    kept = [one.event for one in site.subscriber.arrivals if one.kind != "platepost.health.v1"]
    report = Verifier(Keyring.from_files(site.fleet.record_key("post-1")), whole=True).feed_all(kept)
    assert report.intact, report.problems
    say(f"{len(kept)} records arrived; signatures and chain are whole through kill, hang and restart")


def test_removed_and_purged_it_leaves_its_identity_alone(site: Site) -> None:
    machine = site.machine
    machine.run("systemctl start platepost", seconds=600)
    machine.run("dpkg -r platepost-simulator platepost-video platepost platepost-runtime", seconds=900)
    assert "inactive" in machine.run("systemctl is-active platepost", allowed=(0, 3, 4))
    assert machine.run("ls /etc/platepost/keys")
    assert machine.run("ls /var/lib/platepost/outbox.db")
    purge = "dpkg -P platepost-simulator platepost-video platepost platepost-runtime 2>&1"
    assert "was not decommissioned" in machine.run(purge, seconds=900)
    assert machine.run("ls /etc/platepost/keys")
    assert machine.run("ls /var/lib/platepost/outbox.db")
    left = machine.run("ls -d /usr/lib/platepost /usr/bin/platepost", allowed=(2,))
    assert len(re.findall("No such file", left)) == 2, left
    units = "find /etc/systemd /usr/lib/systemd /var/lib/systemd/deb-systemd-helper-enabled -name '*platepost*'"
    assert machine.run(units, allowed=(0, 1)) == ""
    say("removed and purged: keys and records are left, no program and no unit")
