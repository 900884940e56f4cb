package basemap

import (
	"html"
	"regexp"
	"strings"
)

// maxAttribution is more than any map says of itself.
const maxAttribution = 2000

var (
	htmlTag  = regexp.MustCompile(`<[^>]*>?`)
	linkTag  = regexp.MustCompile(`(?i)^<a\s(?:[^>]*\s)?href\s*=\s*["']?(https?://[^"'\s>]+)`)
	closeTag = regexp.MustCompile(`(?i)^</a\s*>$`)
)

// SafeAttribution keeps text and links of an attribution, which map libraries put into their page as it is, and which may
// come with a file from anywhere. Without one, the data are OpenStreetMap's.
func SafeAttribution(markup string) string {
	if len(markup) > maxAttribution {
		markup = strings.ToValidUTF8(markup[:maxAttribution], "")
	}
	var out strings.Builder
	open, at := false, 0
	for _, tag := range htmlTag.FindAllStringIndex(markup, -1) {
		out.WriteString(safeText(markup[at:tag[0]]))
		at = tag[1]
		open = writeLink(&out, markup[tag[0]:tag[1]], open)
	}
	out.WriteString(safeText(markup[at:]))
	if open {
		out.WriteString("</a>")
	}
	if strings.TrimSpace(htmlTag.ReplaceAllString(out.String(), "")) == "" {
		return OSMAttribution
	}
	return strings.TrimSpace(out.String())
}

// writeLink writes a tag when it begins or ends a link, and tells whether one is open then.
func writeLink(out *strings.Builder, tag string, open bool) bool {
	if link := linkTag.FindStringSubmatch(tag); link != nil && !open {
		out.WriteString(`<a href="` + html.EscapeString(html.UnescapeString(link[1])) + `">`)
		return true
	}
	if open && closeTag.MatchString(tag) {
		out.WriteString("</a>")
		return false
	}
	return open
}

func safeText(text string) string { return html.EscapeString(html.UnescapeString(text)) }
