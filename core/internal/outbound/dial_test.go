package outbound_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/outbound"
)

// none of these may be connected to, in whichever way they are written. The port is one that is allowed for all.
var inward = []string{
	"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.254",
	"169.254.169.254", "169.254.0.1", "168.63.129.16", "192.0.0.8", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.255", "192.88.99.1",
	"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:a9fe:a9fe", "0:0:0:0:0:ffff:10.0.0.1", "::127.0.0.1", "::7f00:1", "::ffff:0:127.0.0.1",
	"fc00::1", "fd00:ec2::254", "fd12:3456::1", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "ff0e::1", "100::1", "2001:db8::1", "3fff::1", "2001::1", "2001:2::1", "2001:10::1",
	"2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1", "2002:808:808::1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "64:ff9b:1::8.8.8.8",
	"0x7f000001", "0x7f.0.0.1", "0x7F.0x0.0x0.0x1", "2130706433", "127.1", "127.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0", "0x0", "1", "0xA9FEA9FE", "2852039166", "425.510.425.510",
	"１２７.0.0.1", "１２７．０．０．１", "127。0。0。1", "①②⑦.⓪.⓪.①", "[::1]", "127.0.0.1\x00.example.org", "127.0.0.1%00.example.org", "exa mple.org", "a@127.0.0.1", "",
}

func TestDial_Inward(t *testing.T) {
	t.Parallel()
	for _, host := range inward {
		for _, port := range []string{"80", "443"} {
			_, err := client(t, outbound.Options{}).DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
			unreachable(t, host, err)
		}
	}
}

func TestDial_InwardByURL(t *testing.T) {
	t.Parallel()
	c := client(t, outbound.Options{})
	for _, host := range inward {
		if strings.ContainsAny(host, "\x00 %@") || host == "" {
			continue // no part of an address: net/url refuses it
		}
		if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
			host = "[" + host + "]"
		}
		_, err := fetch(c, "http://"+host+"/")
		unreachable(t, host, err)
	}
}

// By the name, the numbers come from a resolver: what it gives is judged as if it had been written.
func TestDial_InwardByName(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1", "100.64.1.1", "0.0.0.0", "255.255.255.255"} {
		c := client(t, outbound.Options{Resolver: resolver(t, ip)})
		_, err := fetch(c, "http://harmless.example/")
		unreachable(t, ip, err)
	}
}

func TestDial_Ports(t *testing.T) {
	t.Parallel()
	c := client(t, outbound.Options{Allow: []string{"192.0.2.0/24"}})
	for _, port := range []string{"22", "25", "6379", "27017", "8080", "0", "65536", "http", "-80", ""} {
		_, err := c.DialContext(t.Context(), "tcp", "192.0.2.1:"+port)
		unreachable(t, port, err)
	}
	for _, network := range []string{"udp", "unix", "ip4:icmp", ""} {
		_, err := c.DialContext(t.Context(), network, "192.0.2.1:80")
		unreachable(t, network, err)
	}
}

func TestDial_Allow(t *testing.T) {
	t.Parallel()
	_, at := server(t, "127.0.0.1", func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(at)
	for _, tc := range []struct {
		name, allow, host string
		resolves          string
		ok                bool
	}{
		{name: "address and port", allow: at, host: "127.0.0.1", ok: true},
		{name: "address in another notation", allow: "[::ffff:127.0.0.1]:" + port, host: "127.0.0.1", ok: true},
		{name: "name and port", allow: "relay.example:" + port, host: "relay.example", resolves: "127.0.0.1", ok: true},
		{name: "name in capitals, with a dot", allow: "Relay.Example.:" + port, host: "relay.EXAMPLE", resolves: "127.0.0.1", ok: true},
		{name: "another name for an allowed address", allow: at, host: "other.example", resolves: "127.0.0.1", ok: true},
		{name: "another name", allow: "relay.example:" + port, host: "other.example", resolves: "127.0.0.1"},
		{name: "a name that ends in the allowed one", allow: "relay.example:" + port, host: "evil-relay.example", resolves: "127.0.0.1"},
		{name: "a name below the allowed one", allow: "relay.example:" + port, host: "x.relay.example", resolves: "127.0.0.1"},
		{name: "another port", allow: "127.0.0.1:1", host: "127.0.0.1"},
		{name: "a network opens no port", allow: "127.0.0.0/8", host: "127.0.0.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := outbound.Options{Allow: []string{tc.allow}}
			if tc.resolves != "" {
				o.Resolver = resolver(t, tc.resolves)
			}
			conn, err := client(t, o).DialContext(t.Context(), "tcp", net.JoinHostPort(tc.host, port))
			if !tc.ok {
				unreachable(t, tc.name, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
		})
	}
}

func TestNew_Allow(t *testing.T) {
	t.Parallel()
	for _, item := range []string{"", "host", "host:", "host:0", "host:http", "*:25", "*.example.org:25", "10.0.0.0/33", "http://host:80", "0x7f000001:80", "127.1:80", "host:25/"} {
		if _, err := outbound.New(outbound.Options{Allow: []string{item}}); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: got %v", item, err)
		}
	}
}
