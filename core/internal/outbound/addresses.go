package outbound

import "net/netip"

// block is a network that nobody is sent to, and why.
type block struct {
	prefix netip.Prefix
	why    string
}

// blocks are the special-purpose networks (RFC 6890 and the registries of IANA) and the addresses at which clouds tell
// a machine its secrets.
var blocks = []block{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared by carriers"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("168.63.129.16/32"), "metadata of the cloud"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "protocol assignments"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved or broadcast"},
	{netip.MustParsePrefix("2001::/23"), "protocol assignments, Teredo, benchmarking"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("2002::/16"), "6to4"},
	{netip.MustParsePrefix("3fff::/20"), "documentation"},
}

var (
	// global is all of IPv6 that is in public use; loopback, unique local, link-local, multicast, IPv4-compatible and the
	// local form of NAT64 lie outside.
	global = netip.MustParsePrefix("2000::/3")
	// nat64 is how an IPv6-only network reaches IPv4: what counts is the address inside.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

// refusal says why nobody is sent to an address, or "". The address is unmapped and has no zone.
func refusal(ip netip.Addr) string {
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	if ip.Is6() && !global.Contains(ip) {
		return "not in public use"
	}
	for _, b := range blocks {
		if b.prefix.Contains(ip) {
			return b.why
		}
	}
	return ""
}

// never are addresses that a name does not open, even one that the operator allows: only the number itself does.
func never(ip netip.Addr) bool {
	metadata := ip == netip.MustParseAddr("fd00:ec2::254") || ip == netip.MustParseAddr("168.63.129.16") || ip == netip.MustParseAddr("100.100.100.200")
	return metadata || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || nat64.Contains(ip)
}
