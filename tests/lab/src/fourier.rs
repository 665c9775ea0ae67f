//! The correlation of two long sounds at every shift at once, by way of their spectra.                                PURE

use std::f64::consts::TAU;
use std::ops::RangeInclusive;

/// A complex number.
#[derive(Clone, Copy)]
struct Complex(f64, f64);

/// Of these shifts, the one at which `pattern` fits `sound` best: the sum of their products is greatest there.
pub fn best_shift(pattern: &[f64], sound: &[f64], shifts: RangeInclusive<i64>) -> i64 {
    // Room for every shift either way, so that the ends of the circle do not meet.
    let length = (pattern.len() + sound.len()).next_power_of_two().max(2);
    let spectrum = |values: &[f64]| {
        let mut values: Vec<Complex> = values.iter().map(|value| Complex(*value, 0.0)).collect();
        values.resize(length, Complex(0.0, 0.0));
        transform(&mut values);
        values
    };
    let (a, b) = (spectrum(pattern), spectrum(sound));
    // a · conj(b), transformed forwards once more, is the correlation with its shifts in order.
    let mut product: Vec<Complex> = a
        .iter()
        .zip(&b)
        .map(|(a, b)| Complex(a.0 * b.0 + a.1 * b.1, a.1 * b.0 - a.0 * b.1))
        .collect();
    transform(&mut product);
    let farthest = (-(pattern.len() as i64), sound.len() as i64);
    let (first, last) = (
        (*shifts.start()).max(farthest.0),
        (*shifts.end()).min(farthest.1),
    );
    let at = |shift: i64| product[shift.rem_euclid(length as i64) as usize].0;
    (first..=last)
        .max_by(|x, y| at(*x).total_cmp(&at(*y)))
        .unwrap_or(0)
}

/// The fast Fourier transform in place (Cooley and Tukey, radix 2); the length is a power of two.
fn transform(values: &mut [Complex]) {
    let length = values.len();
    let bits = length.trailing_zeros();
    for index in 0..length {
        let mirrored = index.reverse_bits() >> (usize::BITS - bits);
        if index < mirrored {
            values.swap(index, mirrored);
        }
    }
    let turns: Vec<Complex> = (0..length / 2)
        .map(|step| {
            let (sine, cosine) = (-TAU * step as f64 / length as f64).sin_cos();
            Complex(cosine, sine)
        })
        .collect();
    let mut half = 1;
    while half < length {
        let stride = length / (2 * half);
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (step, (x, y)) in low.iter_mut().zip(high).enumerate() {
                let turn = turns[step * stride];
                let turned = Complex(y.0 * turn.0 - y.1 * turn.1, y.0 * turn.1 + y.1 * turn.0);
                *y = Complex(x.0 - turned.0, x.1 - turned.1);
                *x = Complex(x.0 + turned.0, x.1 + turned.1);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::best_shift;

    /// The same by definition.
    fn slowly(pattern: &[f64], sound: &[f64], shift: i64) -> f64 {
        let there = |index: usize| {
            usize::try_from(index as i64 + shift)
                .ok()
                .and_then(|at| sound.get(at))
        };
        pattern
            .iter()
            .enumerate()
            .filter_map(|(index, value)| Some(value * there(index)?))
            .sum()
    }

    #[test]
    fn agrees_with_the_definition() {
        let wobble = |seed: f64, length: usize| {
            (0..length)
                .map(|n| (n as f64 * seed).sin() * (n as f64 * 0.31).cos())
                .collect::<Vec<_>>()
        };
        for (pattern, sound) in [
            (wobble(1.7, 40), wobble(0.9, 90)),
            (wobble(2.3, 64), wobble(2.9, 17)),
            (wobble(1.1, 3), wobble(0.4, 3)),
        ] {
            let found = best_shift(&pattern, &sound, -200..=200);
            let reach = (pattern.len() + sound.len()) as i64;
            let most = (-reach..=reach)
                .map(|shift| slowly(&pattern, &sound, shift))
                .fold(f64::MIN, f64::max);
            assert!(
                (slowly(&pattern, &sound, found) - most).abs() < 1e-9,
                "{found}"
            );
        }
    }

    #[test]
    fn stays_within_the_shifts_that_are_asked_for() {
        let mut sound = vec![0.0; 100];
        sound[70] = 1.0;
        sound[20] = 0.5;
        assert_eq!(best_shift(&[1.0], &sound, -90..=90), 70);
        assert_eq!(best_shift(&[1.0], &sound, 0..=50), 20);
        assert!((-5..=5).contains(&best_shift(&[], &[], -5..=5)));
    }
}
