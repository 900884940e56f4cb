package oidc

import (
	"net/url"
	"strings"
)

const maxBack = 1000

// Local reports whether a text is a path of this site, however a browser may read it: "/x", with a query or a fragment,
// but not "//x", no backslash, nothing that a browser drops before it looks.
func Local(back string) bool {
	if len(back) == 0 || len(back) > maxBack || back[0] != '/' || strings.HasPrefix(back, "//") || strings.Contains(back, `\`) {
		return false
	}
	for _, c := range []byte(back) {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	u, err := url.Parse(back)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil
}
