//! The server without one of its tricks: what `cargo xtask bench` compares it with, to see what each earns.
//! `without TRICK STORE`, see `serving.rs`.

mod serving;

/// As the server itself has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    serving::main()
}
