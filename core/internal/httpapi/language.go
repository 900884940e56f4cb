package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// languageOf chooses the language of messages, French or English; English when the caller does not care.
func languageOf(h http.Header) core.Locale { return spoken(h, "en") }

func spoken(h http.Header, otherwise core.Locale) core.Locale {
	best, bestQ := otherwise, 0.0
	for member := range strings.SplitSeq(first(h, "Accept-Language"), ",") {
		tag, q := weighted(member)
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if (base == "fr" || base == "en") && q > bestQ {
			best, bestQ = core.Locale(base), q
		}
	}
	return best
}

// weighted splits one member of an Accept header into its name and its q, which is 1 when it is absent and 0 when it
// cannot be read.
func weighted(member string) (name string, q float64) {
	name, params, found := strings.Cut(member, ";")
	name = strings.TrimSpace(name)
	if !found {
		return name, 1
	}
	for p := range strings.SplitSeq(params, ";") {
		if v, ok := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(p, " ", "")), "q="); ok {
			q, err := strconv.ParseFloat(v, 64)
			if err != nil || q < 0 || q > 1 {
				return name, 0
			}
			return name, q
		}
	}
	return name, 1
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
