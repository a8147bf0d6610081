//! The same as `without`, and without mimalloc too: an allocator cannot be chosen when a program runs.

#[path = "without/serving.rs"]
mod serving;

fn main() -> anyhow::Result<()> {
    serving::main()
}
