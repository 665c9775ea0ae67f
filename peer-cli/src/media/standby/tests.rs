#![allow(clippy::unwrap_used)]

use super::*;

const NONE: Sighting = Sighting {
    wanted: false,
    default: false,
    is_default: false,
};
const BOTH: Sighting = Sighting {
    wanted: true,
    default: true,
    is_default: false,
};
const OTHER: Sighting = Sighting {
    wanted: false,
    default: true,
    is_default: false,
};

fn standby(by_default: bool) -> Standby {
    let name = DeviceName {
        id: "usb.0".into(),
        title: "USB".into(),
    };
    // What the machine itself has is of no interest: nobody listens.
    Standby::new(DeviceKind::Output, name, by_default, |_| {}).unwrap()
}

fn lost(name: &str, now_on: Option<&str>) -> Option<MediaEvent> {
    Some(MediaEvent::DeviceLost {
        kind: DeviceKind::Output,
        name: name.into(),
        now_on: now_on.map(str::to_owned),
    })
}

fn back(now_on: Option<&str>) -> Option<MediaEvent> {
    Some(MediaEvent::DeviceBack {
        kind: DeviceKind::Output,
        name: "USB".into(),
        now_on: now_on.map(str::to_owned),
    })
}

#[test]
fn a_device_that_vanishes_is_stood_in_for_and_returned_to() {
    let mut standby = standby(false);
    assert_eq!(standby.places(BOTH), []);
    assert_eq!(standby.places(OTHER), [Place::Default, Place::Nowhere]);
    assert_eq!(
        standby.settle(Some(Place::Default)),
        lost("USB", Some("default"))
    );
    assert_eq!(standby.places(OTHER), []);
    assert_eq!(standby.settle(None), None);
    assert_eq!(standby.places(BOTH), [Place::Wanted]);
    assert_eq!(standby.settle(Some(Place::Wanted)), back(None));
    assert_eq!(standby.settle(None), None);
}

#[test]
fn a_device_that_breaks_is_looked_for_before_anything_is_said() {
    let (mut standby, now) = (standby(false), Instant::now());
    standby.broke(now);
    assert_eq!(standby.overdue(now), None);
    assert_eq!(standby.places(NONE), []);
    assert_eq!(standby.settle(None), lost("USB", None));
    // Said once.
    assert_eq!(standby.settle(None), None);
    assert_eq!(standby.places(OTHER), [Place::Default]);
    assert_eq!(standby.settle(Some(Place::Default)), back(Some("default")));
    // The stand-in breaks, too.
    standby.broke(now);
    assert_eq!(standby.settle(None), lost("default", None));
    assert_eq!(standby.places(BOTH), [Place::Wanted, Place::Default]);
    assert_eq!(standby.settle(Some(Place::Wanted)), back(None));
}

#[test]
fn a_sound_system_that_hangs_is_not_waited_for() {
    let (mut standby, now) = (standby(false), Instant::now());
    standby.broke(now);
    let due = standby.due().unwrap();
    assert_eq!(standby.overdue(due), lost("USB", None));
    assert_eq!((standby.due(), standby.overdue(due)), (None, None));
}

#[test]
fn the_default_one_is_returned_to_only_when_it_is_that_again() {
    let mut standby = standby(true);
    standby.settle(Some(Place::Default));
    assert_eq!(standby.places(BOTH), []);
    let again = Sighting {
        is_default: true,
        ..BOTH
    };
    assert_eq!(standby.places(again), [Place::Wanted]);
}
