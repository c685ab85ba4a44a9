//! What goes wrong with disks, within what the store promises to bear.

use std::time::Duration;

use holdfast_io::disk::OpKind;

use holdfast_sim::disk::{Damage, Fault, Faults, Rule, When};

use super::machine::Machine;

/// As many drives as the parity covers, or fewer, may go wrong from now on.
pub fn choose_victims(machine: &mut Machine) {
    let drives = machine.slots.len() as u64;
    let many = machine.rng.between(0, machine.geometry.m() as u64);
    machine.victims.clear();
    while (machine.victims.len() as u64) < many {
        let no = machine.rng.below(drives) as usize;
        if !machine.victims.contains(&no) {
            machine.victims.push(no);
        }
    }
}

/// Something goes wrong with a drive from now on.
pub fn trouble(machine: &mut Machine, no: usize) {
    let rng = machine.rng.clone();
    let often = When::OneIn(rng.between(2, 12));
    let slot = &mut machine.slots[no];
    let ms = Duration::from_millis;
    let none = Faults::none();
    let faults = match rng.below(14) {
        0 => none.with(Fault::Eio, OpKind::Read, often),
        1 => none.with(Fault::Eio, OpKind::Write, often),
        2 => none.with(Fault::Eio, OpKind::Sync, often),
        3 => none.with(Fault::Stall, OpKind::Read, often),
        4 => none.with(Fault::Stall, OpKind::Write, often),
        5 => none.latency(ms(60), ms(400)),
        6 => none.with(Fault::Flip, OpKind::Read, often),
        7 => none.with(Fault::Lost, OpKind::Write, often),
        8 => none.with(Fault::Misdirected, OpKind::Write, often),
        9 => none.with(Fault::Unreadable, OpKind::Write, often),
        10 => {
            slot.disk.rot(rng.between(1, 40));
            none
        }
        11 => {
            slot.disk.set_capacity(0);
            none
        }
        12 => {
            slot.disk.damage(Damage::Dead);
            none
        }
        _ => {
            slot.wiped = true;
            slot.disk.damage(*rng.pick(&[Damage::Emptied, Damage::Replaced]));
            none
        }
    };
    slot.disk.set_faults(faults);
}

/// One voter has no redundancy: it may err and be full, not forget. Of three voters one
/// may. True when a restart must follow.
pub fn trouble_with_the_metadata(machine: &Machine) -> bool {
    let rng = &machine.rng;
    if !rng.one_in(4) {
        return false;
    }
    let disk = &machine.replicas[0];
    let rare = When::OneIn(rng.between(3, 60));
    let all = |fault| Rule { fault, on: None, files: None, when: rare };
    let faults = match rng.below(4) {
        0 => Faults::none().rule(all(Fault::Full)),
        1 => Faults::none().rule(Rule { on: Some(OpKind::Write), ..all(Fault::Eio) }),
        2 => Faults::none().rule(Rule { on: Some(OpKind::Sync), ..all(Fault::Eio) }),
        _ => Faults::none().rule(all(Fault::Eio)),
    };
    disk.set_faults(faults);
    true
}
