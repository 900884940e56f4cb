package outbound

import (
	"net/netip"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// target is a host, by name or address, and a port.
type target struct {
	host string
	port uint16
}

// allowed is what the operator lets through.
type allowed struct {
	names    map[target]bool
	networks []netip.Prefix
}

func readAllowed(list []string) (allowed, error) {
	a := allowed{names: map[target]bool{}}
	for _, item := range list {
		if network, err := netip.ParsePrefix(item); err == nil {
			a.networks = append(a.networks, network.Masked())
			continue
		}
		host, port, err := splitAddress(item)
		if err != nil {
			return a, core.Errorf(core.CodeInvalid, "outbound: %q is neither host:port nor a network like 10.0.0.0/8", item)
		}
		a.names[target{host, port}] = true
	}
	return a, nil
}

func (a allowed) network(ip netip.Addr) bool {
	for _, n := range a.networks {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}

// hostKey spells a host in one way.
func hostKey(host string) string {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.WithZone("").Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
