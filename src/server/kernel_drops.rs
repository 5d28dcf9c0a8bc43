//! Datagrams that the kernel dropped because a SIP socket was not read fast enough: from its own
//! table, the only place that tells without a special receive call.

use std::net::SocketAddr;

/// Drops since the start of all sockets on these addresses; 0 where the kernel has no such table.
pub(super) fn kernel_drops(addresses: &[SocketAddr]) -> u64 {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let (v4, v6) = (read("/proc/net/udp"), read("/proc/net/udp6"));
    addresses
        .iter()
        .map(|address| drops_of(if address.is_ipv4() { &v4 } else { &v6 }, address))
        .sum()
}

/// A line: `sl local_address rem_address … drops`, the address as the kernel keeps it in memory.
fn drops_of(table: &str, address: &SocketAddr) -> u64 {
    let local = format!("{}:{:04X}", words(address), address.port());
    let ours = table.lines().filter(|line| line.split_whitespace().nth(1) == Some(local.as_str()));
    ours.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum()
}

fn words(address: &SocketAddr) -> String {
    let octets = match address {
        SocketAddr::V4(v4) => v4.ip().octets().to_vec(),
        SocketAddr::V6(v6) => v6.ip().octets().to_vec(),
    };
    let word = |four: &[u8]| four.try_into().map_or(0, u32::from_ne_bytes);
    octets.chunks(4).map(|four| format!("{:08X}", word(four))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_drops_of_our_socket_are_found_and_no_other_s() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
                     uid  timeout inode ref pointer drops\n\
                     12: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     \
                     0        0 4711 2 0000000000000000 42\n\
                     13: 0200007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     \
                     0        0 4712 2 0000000000000000 7\n";
        assert_eq!(drops_of(table, &"127.0.0.1:5060".parse().unwrap()), 42);
        assert_eq!(drops_of(table, &"127.0.0.1:5061".parse().unwrap()), 0);
        assert_eq!(words(&"[::1]:5060".parse().unwrap()), "00000000000000000000000001000000");
    }

    #[test]
    fn a_flooded_socket_of_our_own_shows_in_the_kernel_s_table() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        assert_eq!(kernel_drops(&[address]), 0);
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..4_000 {
            sender.send_to(&[0; 1_400], address).unwrap();
        }
        assert!(kernel_drops(&[address]) > 0);
    }
}
