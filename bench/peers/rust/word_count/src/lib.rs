//! The Python extension that PyO3's word-count example makes: the same functions, the same way of counting, on rayon's
//! global pool (RAYON_NUM_THREADS). Lines are the unit of parallelism; words are split at single spaces. (Debian
//! 12's Rust also drops a carriage return that ends the text without a newline; nothing that is measured ends so.)

use pyo3::prelude::*;
use rayon::prelude::*;

fn in_line(line: &str, needle: &str) -> usize {
    line.split(' ').filter(|word| *word == needle).count()
}

fn in_text(text: &str, needle: &str) -> usize {
    text.lines().map(|line| in_line(line, needle)).sum()
}

/// In parallel, line by line; the interpreter stays locked.
#[pyfunction]
fn search(text: &str, needle: &str) -> usize {
    text.par_lines().map(|line| in_line(line, needle)).sum()
}

/// On the calling thread; the interpreter stays locked.
#[pyfunction]
fn search_sequential(text: &str, needle: &str) -> usize {
    in_text(text, needle)
}

/// On the calling thread, while other Python threads may run.
#[pyfunction]
fn search_sequential_allow_threads(py: Python<'_>, text: &str, needle: &str) -> usize {
    py.allow_threads(|| in_text(text, needle))
}

#[pymodule]
fn word_count(_py: Python<'_>, module: &PyModule) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(search, module)?)?;
    module.add_function(wrap_pyfunction!(search_sequential, module)?)?;
    module.add_function(wrap_pyfunction!(search_sequential_allow_threads, module)?)?;
    Ok(())
}
