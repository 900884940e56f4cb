package httpapi

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
)

// readProxies reads the addresses and networks whose X-Forwarded-For is believed.
func readProxies(list []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, item := range list {
		if ip, err := netip.ParseAddr(item); err == nil {
			item = netip.PrefixFrom(ip, ip.BitLen()).String()
		}
		network, err := netip.ParsePrefix(item)
		if err != nil {
			return nil, errors.New("httpapi: TrustedProxies must be addresses or networks such as 10.0.0.0/8")
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// clientAddress gives the IP address that a request came from: that of the connection, or, as long as that is a trusted
// proxy's, what it says stands before it. The rightmost address that is no trusted proxy's counts: whatever is left of
// it, the client may have written himself. "" when there is none, as with a connection that has no address.
func (s *Server) clientAddress(r *http.Request) string {
	ip, ok := ipOf(r.RemoteAddr)
	if !ok {
		return ""
	}
	hops := r.Header["X-Forwarded-For"]
	for i := len(hops) - 1; i >= 0; i-- {
		for list := hops[i]; s.trusts(ip); {
			var hop string
			list, hop = lastHop(list)
			before, ok := ipOf(hop)
			if !ok {
				return ip.String() // a proxy that passes on what is no address tells nothing of who stands before it
			}
			if ip = before; list == "" {
				break
			}
		}
	}
	return ip.String()
}

// lastHop takes the rightmost element off a list.
func lastHop(list string) (rest, hop string) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return "", list
	}
	return list[:i], list[i+1:]
}

func (s *Server) trusts(ip netip.Addr) bool {
	for _, network := range s.trusted {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// ipOf reads an address, with or without a port.
func ipOf(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().WithZone("").Unmap(), true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return ip.WithZone("").Unmap(), err == nil
}
