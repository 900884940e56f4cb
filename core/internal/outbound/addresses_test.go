package outbound

import (
	"net/netip"
	"testing"
)

// What is public stays reachable; nothing is dialled here.
func TestPermit(t *testing.T) {
	t.Parallel()
	c, err := New(Options{Allow: []string{"10.1.0.0/16", "169.254.169.254:80", "fd00::/8"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		at    string
		named bool
		ok    bool
	}{
		{at: "8.8.8.8:443", ok: true},
		{at: "1.1.1.1:80", ok: true},
		{at: "172.15.255.255:80", ok: true},
		{at: "172.32.0.1:80", ok: true},
		{at: "100.63.255.255:443", ok: true},
		{at: "100.128.0.1:443", ok: true},
		{at: "[2606:4700:4700::1111]:443", ok: true},
		{at: "[2a01:e0a::1]:443", ok: true},
		{at: "[::ffff:8.8.8.8]:443", ok: true},
		{at: "[64:ff9b::8.8.8.8]:443", ok: true},
		{at: "8.8.8.8:25", named: true, ok: true},
		{at: "8.8.8.8:25"},
		{at: "10.1.2.3:443", ok: true},
		{at: "10.1.2.3:22"},
		{at: "10.2.0.1:443"},
		{at: "[::ffff:10.1.2.3]:443", ok: true},
		{at: "[fd00::1]:443", ok: true},
		{at: "10.2.0.1:587", named: true, ok: true},
		{at: "127.0.0.1:587", named: true, ok: true},
		{at: "169.254.169.254:80", ok: true}, // the operator has written the number itself
		{at: "169.254.169.254:443", named: true},
		{at: "169.254.1.1:80", named: true},
		{at: "168.63.129.16:80", named: true},
		{at: "100.100.100.200:80", named: true},
		{at: "[fe80::1%eth0]:80", named: true},
		{at: "224.0.0.1:80", named: true},
		{at: "[64:ff9b::7f00:1]:80", named: true},
		{at: "no address"},
	} {
		if err := c.permit(tc.at, tc.named); (err == nil) != tc.ok {
			t.Errorf("%s, named %v: got %v", tc.at, tc.named, err)
		}
	}
	if err := func() error { c, _ := New(Options{}); return c.permit("[fd00:ec2::254]:80", true) }(); err == nil {
		t.Error("a name opens the metadata of the cloud")
	}
}

func FuzzRefusal(f *testing.F) {
	for _, s := range []string{"127.0.0.1", "::1", "8.8.8.8", "64:ff9b::a00:1"} {
		f.Add(netip.MustParseAddr(s).AsSlice())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ip, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		ip = ip.Unmap()
		inward := ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || !ip.IsGlobalUnicast()
		if inward && refusal(ip) == "" {
			t.Errorf("%s is let through", ip)
		}
	})
}
