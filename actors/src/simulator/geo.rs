//! Positions, distances and directions on a sphere; angles in radians, distances in metres.

use std::f64::consts::{PI, TAU};

const EARTH_RADIUS: f64 = 6_371_008.8;

/// A position in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Position {
    pub latitude: f64,
    pub longitude: f64,
}

/// A horizontal vector, such as a velocity.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Vector {
    pub north: f64,
    pub east: f64,
}

impl Position {
    /// The position after a small displacement.
    pub fn moved(self, by: Vector) -> Self {
        let latitude = self.latitude + (by.north / EARTH_RADIUS).to_degrees();
        let longitude = self.longitude + (by.east / (EARTH_RADIUS * self.latitude.to_radians().cos())).to_degrees();
        Self { latitude, longitude: (longitude + 540.0).rem_euclid(360.0) - 180.0 }
    }

    /// The displacement to another position some miles away, with the distance of the scale at the middle.
    pub fn to(self, other: Self) -> Vector {
        let longitudes = (other.longitude - self.longitude + 540.0).rem_euclid(360.0) - 180.0;
        let middle = f64::midpoint(self.latitude, other.latitude).to_radians();
        Vector {
            north: (other.latitude - self.latitude).to_radians() * EARTH_RADIUS,
            east: longitudes.to_radians() * EARTH_RADIUS * middle.cos(),
        }
    }
}

impl Vector {
    pub fn polar(length: f64, direction: f64) -> Self {
        Self { north: length * direction.cos(), east: length * direction.sin() }
    }

    pub fn length(self) -> f64 {
        self.north.hypot(self.east)
    }

    /// Clockwise from north, 0..2π.
    pub fn direction(self) -> f64 {
        turn(self.east.atan2(self.north))
    }

    pub fn plus(self, other: Self) -> Self {
        Self { north: self.north + other.north, east: self.east + other.east }
    }

    pub fn minus(self, other: Self) -> Self {
        Self { north: self.north - other.north, east: self.east - other.east }
    }

    pub fn times(self, factor: f64) -> Self {
        Self { north: self.north * factor, east: self.east * factor }
    }

    /// The part of this vector that lies in a direction.
    pub fn along(self, direction: f64) -> f64 {
        self.north * direction.cos() + self.east * direction.sin()
    }

    /// The part of this vector that lies to the right of a direction.
    pub fn right_of(self, direction: f64) -> f64 {
        self.east * direction.cos() - self.north * direction.sin()
    }
}

/// An angle as one in 0..2π.
pub(super) fn turn(angle: f64) -> f64 {
    angle.rem_euclid(TAU)
}

/// An angle as one in -π..π.
pub(super) fn half_turn(angle: f64) -> f64 {
    (angle + PI).rem_euclid(TAU) - PI
}
