//! A gateway under load and the one thread that loads it.

pub mod gateway;
pub mod generator;
pub mod overload;
pub mod text;

use std::io::Write;
use std::time::Instant;

/// Median and 99th percentile of appending 1 KiB to a file and flushing it, milliseconds.
pub fn flush_time() -> [f64; 2] {
    let mut file = tempfile::tempfile().unwrap();
    let mut times: Vec<f64> = (0..200)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[0x55; 1024]).unwrap();
            file.sync_data().unwrap();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    [times[100], times[198]]
}
