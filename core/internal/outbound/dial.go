package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
)

var (
	errNetwork  = errors.New("only TCP is spoken")
	errAddress  = errors.New("not host:port")
	errNotation = errors.New("neither a host name nor an address in its usual notation")
)

// dial connects to an address after it was resolved and found fit. Its errors are causes, not for callers.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, errNetwork
	}
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	named := c.allow.names[target{host, port}]
	d := &net.Dialer{Timeout: c.o.ConnectTimeout, Resolver: c.o.Resolver,
		ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			return c.permit(resolved, named)
		}}
	return d.DialContext(ctx, network, address)
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, errAddress
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, errAddress
	}
	if !usual(host) {
		return "", 0, errNotation
	}
	return hostKey(host), uint16(n), nil
}

// usual keeps notations away from resolvers that read them in their own way: 0x7f000001, 2130706433, 127.1, 0177.0.0.1.
func usual(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if host == "" || len(host) > 253 {
		return false
	}
	for _, c := range []byte(host) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	last := labels[len(labels)-1]
	return last != "" && !numeric(last)
}

// numeric reports whether a label would make an address of the whole, as browsers and getaddrinfo read it.
func numeric(label string) bool {
	if strings.Trim(label, "0123456789") == "" {
		return true
	}
	hex, ok := strings.CutPrefix(strings.ToLower(label), "0x")
	return ok && strings.Trim(hex, "0123456789abcdef") == ""
}

// permit is the check at the moment of connecting. named tells that the operator allows the very host and port that were
// asked for.
func (c *Client) permit(resolved string, named bool) error {
	at, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return errAddress
	}
	ip := at.Addr().WithZone("").Unmap()
	if c.allow.names[target{ip.String(), at.Port()}] {
		return nil
	}
	if !named && at.Port() != 80 && at.Port() != 443 {
		return fmt.Errorf("port %d is not allowed", at.Port())
	}
	why := refusal(ip)
	switch {
	case why == "" || c.allow.network(ip):
		return nil
	case named && !never(ip):
		return nil
	}
	return fmt.Errorf("%s is not allowed: %s", ip, why)
}
