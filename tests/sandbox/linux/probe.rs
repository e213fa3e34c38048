//! Programs of one system call, written byte by byte: they exit with its error number, so a step can try any call.

/// How the call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// The 64-bit one.
    Wide,
    /// The 32-bit one, with the numbers of i386.
    Narrow,
}

/// Where the program lies in memory.
const BASE: u64 = 0x10_0000;
const HEADERS: u64 = 64 + 56;

/// A static x86-64 program that makes one call and exits with its negated result: 0 for success, else the error.
/// `text` lies behind the code; an argument of `None` is its address.
pub(super) fn program(door: Door, number: u32, arguments: &[Option<u32>], text: &[u8]) -> Vec<u8> {
    let code = |address: u32| {
        let mut code = Vec::new();
        // mov eax, number
        code.push(0xb8);
        code.extend(number.to_le_bytes());
        // mov edi, esi, edx, r10d, r8d or ebx, ecx, edx, esi, edi
        let registers: [&[u8]; 5] = match door {
            Door::Wide => [&[0xbf], &[0xbe], &[0xba], &[0x41, 0xba], &[0x41, 0xb8]],
            Door::Narrow => [&[0xbb], &[0xb9], &[0xba], &[0xbe], &[0xbf]],
        };
        for (register, argument) in registers.into_iter().zip(arguments) {
            code.extend(register);
            code.extend(argument.unwrap_or(address).to_le_bytes());
        }
        // syscall, or int 0x80
        code.extend(if door == Door::Wide { [0x0f, 0x05] } else { [0xcd, 0x80] });
        // neg eax; mov edi, eax; mov eax, 60 (exit); syscall
        code.extend([0xf7, 0xd8, 0x89, 0xc7, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]);
        code
    };
    let start = BASE + HEADERS;
    let length = code(0).len() as u64;
    let mut body = code((start + length) as u32);
    body.extend(text);
    body.push(0);
    // The file's header: 64 bits, little endian, an x86-64 executable with one program header and no sections.
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    file.extend([start, 64, 0].iter().flat_map(|number: &u64| number.to_le_bytes()));
    file.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    // The program's header: load everything, readable, writable and executable.
    file.extend([1, 0, 0, 0, 7, 0, 0, 0]);
    let size = HEADERS + body.len() as u64;
    file.extend([0, BASE, BASE, size, size, 0x1000].iter().flat_map(|number| number.to_le_bytes()));
    file.extend(body);
    file
}
