package basemap

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Options say which raster server a Proxy asks, and how.
type Options struct {
	// Template is the address of a tile, with {z}, {x} and {y}: https://tile.openstreetmap.org/{z}/{x}/{y}.png. Nothing but
	// these three numbers is ever put into it. It may hold a key; it appears in no error and no log.
	Template string
	// UserAgent names the application and tells how to reach whoever runs this server, by an address of mail or of a page:
	// "Palabre/1.0 (+https://example.org; webmaster@example.org)".
	UserAgent string
	// Referer is the address of the site that shows the map; it may be empty.
	Referer string
	// Attribution is HTML, of which text and links are kept; OpenStreetMap's when empty.
	Attribution string

	Name             string
	MinZoom, MaxZoom int // of the server; MaxZoom is 19 when zero
	TileSize         int // in pixels; 256 when zero

	CacheDir    string // a folder that nothing else uses; it is made when it is not there
	CacheBytes  int64  // what the cached tiles may take; 512 MB when zero
	Concurrency int    // requests at once; 2 when zero, and at most 2 to openstreetmap.org

	Client *http.Client     // the host's, which checks where connections lead
	Now    func() time.Time // the clock; time.Now when nil
	Log    *slog.Logger     // for what goes wrong with the server and the cache; nowhere when nil
}

const osmHost = "openstreetmap.org"

func (o Options) withDefaults() Options {
	o.MaxZoom = orElse(o.MaxZoom, 19)
	o.TileSize = orElse(o.TileSize, usualTileSize)
	o.CacheBytes = orElse(o.CacheBytes, 512<<20)
	o.Concurrency = orElse(o.Concurrency, 2)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func orElse[N int | int64](n, usual N) N {
	if n == 0 {
		return usual
	}
	return n
}

// check tells everything that is wrong at once.
func (o Options) check() error {
	var en, fr []string
	for _, problem := range []core.Text{o.checkTemplate(), o.checkUserAgent(), o.checkReferer(), o.checkZooms(), o.checkRequests(), o.checkCache()} {
		if problem != nil {
			en, fr = append(en, problem["en"]), append(fr, problem["fr"])
		}
	}
	if len(en) == 0 {
		return nil
	}
	return invalid(nil, "The tile server cannot be used as it is configured: "+strings.Join(en, "; ")+".",
		"Le serveur de tuiles n’est pas utilisable tel qu’il est configuré : "+strings.Join(fr, " ; ")+".")
}

func (o Options) checkTemplate() core.Text {
	for _, part := range []string{"{z}", "{x}", "{y}"} {
		if strings.Count(o.Template, part) != 1 {
			return core.Text{"en": "the address has " + part + " once, as in https://tile.openstreetmap.org/{z}/{x}/{y}.png",
				"fr": "l’adresse contient " + part + " une fois, comme dans https://tile.openstreetmap.org/{z}/{x}/{y}.png"}
		}
	}
	u, err := url.Parse(o.address(0, 0, 0))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return core.Text{"en": "the address begins with https:// (or http://) and a host, and has no user in it",
			"fr": "l’adresse commence par https:// (ou http://) et un hôte, sans nom d’utilisateur"}
	}
	return o.checkPlaces(u)
}

// checkPlaces looks at where the numbers stand in an address.
func (o Options) checkPlaces(u *url.URL) core.Text {
	switch {
	case strings.ContainsAny(u.String(), "{}") || strings.Contains(u.String(), "%7B"):
		return core.Text{"en": "the address has no placeholder but {z}, {x} and {y}; name one host instead of {s}",
			"fr": "l’adresse n’a d’autres variables que {z}, {x} et {y} ; nommez un hôte à la place de {s}"}
	case !strings.HasPrefix(o.Template, u.Scheme+"://"+u.Host+"/"):
		return core.Text{"en": "the numbers stand in the path or the query of the address, not in its host",
			"fr": "les numéros se trouvent dans le chemin ou les paramètres de l’adresse, pas dans l’hôte"}
	case isOSM(u) && u.Scheme != "https":
		return core.Text{"en": "openstreetmap.org is asked by https", "fr": "openstreetmap.org s’interroge par https"}
	}
	return nil
}

func isOSM(u *url.URL) bool {
	return u.Hostname() == osmHost || strings.HasSuffix(u.Hostname(), "."+osmHost)
}

func (o Options) checkUserAgent() core.Text {
	switch {
	case strings.ContainsAny(o.UserAgent, "\r\n"), strings.HasPrefix(o.UserAgent, "Mozilla/"), strings.HasPrefix(o.UserAgent, "Go-http-client"):
		return core.Text{"en": "the User-Agent names this application, and no browser or library",
			"fr": "le User-Agent nomme cette application, et non un navigateur ou une bibliothèque"}
	case !strings.Contains(o.UserAgent, "@") && !strings.Contains(o.UserAgent, "://"):
		return core.Text{"en": "the User-Agent tells how to reach you, as in Palabre/1.0 (+https://example.org; webmaster@example.org)",
			"fr": "le User-Agent dit comment vous joindre, comme dans Palabre/1.0 (+https://example.org; webmaster@example.org)"}
	}
	return nil
}

func (o Options) checkReferer() core.Text {
	u, err := url.Parse(o.Referer)
	if o.Referer == "" || err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
		return nil
	}
	return core.Text{"en": "the Referer is the full address of your site, as https://example.org/",
		"fr": "le Referer est l’adresse complète de votre site, comme https://example.org/"}
}

func (o Options) checkZooms() core.Text {
	if o.MinZoom >= 0 && o.MinZoom <= o.MaxZoom && o.MaxZoom <= maxZoom {
		return nil
	}
	return core.Text{"en": fmt.Sprintf("zooms run from %d to %d, within 0 and %d", o.MinZoom, o.MaxZoom, maxZoom),
		"fr": fmt.Sprintf("les zooms vont de %d à %d, entre 0 et %d", o.MinZoom, o.MaxZoom, maxZoom)}
}

func (o Options) checkRequests() core.Text {
	u, err := url.Parse(o.address(0, 0, 0))
	switch {
	case o.Client == nil:
		return core.Text{"en": "a client to ask with is missing", "fr": "il manque un client pour interroger"}
	case o.Concurrency < 1 || o.Concurrency > 16:
		return core.Text{"en": "the requests at once are 1 to 16", "fr": "les requêtes simultanées sont 1 à 16"}
	case err == nil && isOSM(u) && o.Concurrency > 2:
		return core.Text{"en": "openstreetmap.org is asked by at most 2 requests at once", "fr": "openstreetmap.org s’interroge par 2 requêtes simultanées au plus"}
	}
	return nil
}

func (o Options) checkCache() core.Text {
	switch {
	case o.CacheDir == "":
		return core.Text{"en": "a folder for the cache is missing: the policy of tile servers asks for one",
			"fr": "il manque un dossier pour le cache : les règles des serveurs de tuiles en demandent un"}
	case o.CacheBytes < 1<<20:
		return core.Text{"en": "the cache takes 1 MB at least", "fr": "le cache occupe au moins 1 Mo"}
	}
	return nil
}

// address is that of one tile.
func (o Options) address(z, x, y int) string {
	return strings.NewReplacer("{z}", fmt.Sprint(z), "{x}", fmt.Sprint(x), "{y}", fmt.Sprint(y)).Replace(o.Template)
}

// format guesses what the tiles are by the ending of their address; the tiles themselves say it for sure.
func (o Options) format() Format {
	u, err := url.Parse(o.address(0, 0, 0))
	if err != nil {
		return FormatPNG
	}
	switch strings.ToLower(path.Ext(u.Path)) {
	case ".jpg", ".jpeg":
		return FormatJPEG
	case ".webp":
		return FormatWebP
	case ".avif":
		return FormatAVIF
	}
	return FormatPNG
}
