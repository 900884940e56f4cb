package geo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer"
)

type geocoderSettings struct {
	URL     string `json:"url"`
	Format  string `json:"format"`
	Contact string `json:"contact"`
}

func (g *geo) registerGeocoder(r *plugin.Registry) error {
	return errors.Join(
		plugin.Handle(r, "GET", "/geo/geocode", "geocode", "Where an address or a place is: ?q=… (signed in, or the gazetteer alone)", g.geocode, plugin.Public(), plugin.ForAtMost(10*time.Second)),
		plugin.Handle(r, "GET", "/geo/reverse", "reverseGeocode", "What is at a point: ?lat=&lon=", g.reverse, plugin.Public(), plugin.ForAtMost(10*time.Second)),
	)
}

// foundPlace is a place that was found, wherever.
type foundPlace struct {
	Label  string  `json:"label"`
	Lon    float64 `json:"lon"`
	Lat    float64 `json:"lat"`
	Score  float64 `json:"score"` // 0 to 1, as the service gives it
	Kind   string  `json:"kind"`  // "housenumber", "street", "municipality", …
	City   string  `json:"city,omitempty"`
	Code   string  `json:"cityCode,omitempty"` // INSEE
	Source string  `json:"source"`             // "gazetteer", "ban", "nominatim"
}

// maxAddress is the longest text that is looked for.
const maxAddress = 200

// geocode finds places. The configured service is asked for those who are signed in: it is somebody else's, and nobody's to
// use up; everybody else gets what the gazetteer knows.
func (g *geo) geocode(w http.ResponseWriter, q *core.RouteRequest) error {
	if err := noParams(q.Query, "q"); err != nil {
		return err
	}
	text := strings.Join(strings.Fields(q.Query.Get("q")), " ")
	if text == "" || len(text) > maxAddress {
		return core.Refuse(core.CodeBadRequest, "bad_q", "Say what to look for, in at most %d characters: ?q=2 rue de la Paix, Metz.", "Indiquez ce qu’il faut chercher, en %d caractères au plus : ?q=2 rue de la Paix, Metz.", maxAddress)
	}
	places, err := g.named(text)
	if err != nil {
		return err
	}
	if s := g.settings.Get().Geocoder; s.URL != "" && !q.Who.Anonymous() {
		more, err := g.ask(q.Context(), s, "search", searchParams(s, text))
		if err != nil {
			return err
		}
		places = append(more, places...)
	}
	return answerPlaces(w, places)
}

func answerPlaces(w http.ResponseWriter, places []foundPlace) error {
	if places == nil {
		places = []foundPlace{}
	}
	body, err := json.Marshal(map[string]any{"data": places})
	if err != nil {
		return core.Wrap("geo.geocode", err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "private, max-age=3600")
	_, _ = w.Write(body) // a caller who does not listen any more is told nothing
	return nil
}

// named finds territories by name.
func (g *geo) named(text string) ([]foundPlace, error) {
	all, err := g.gazetteer()
	if err != nil {
		return nil, err
	}
	var places []foundPlace
	for _, t := range all.Search(text, gazetteer.SearchOptions{Limit: 5}) {
		if t.Center != nil {
			places = append(places, foundPlace{Label: t.Name, Lon: t.Center[0], Lat: t.Center[1], Score: 0.5, Kind: string(t.Level), Code: t.Code, Source: "gazetteer"})
		}
	}
	return places, nil
}

// reverse names what is at a point: of the configured service, for those who are signed in, and the territories around it.
func (g *geo) reverse(w http.ResponseWriter, q *core.RouteRequest) error {
	if err := noParams(q.Query, "lat", "lon"); err != nil {
		return err
	}
	lat, errLat := strconv.ParseFloat(q.Query.Get("lat"), 64)
	lon, errLon := strconv.ParseFloat(q.Query.Get("lon"), 64)
	if errLat != nil || errLon != nil || !(lat >= -90 && lat <= 90) || !(lon >= -180 && lon <= 180) {
		return core.Refuse(core.CodeBadRequest, "bad_point", "Say which point, in degrees: ?lat=47.75&lon=7.33.", "Indiquez le point, en degrés : ?lat=47.75&lon=7.33.")
	}
	var places []foundPlace
	if s := g.settings.Get().Geocoder; s.URL != "" && !q.Who.Anonymous() {
		more, err := g.ask(q.Context(), s, "reverse", reverseParams(s, lat, lon))
		if err != nil {
			return err
		}
		places = more
	}
	all, err := g.gazetteer()
	if err != nil {
		return err
	}
	for _, level := range []gazetteer.Level{gazetteer.Departement, gazetteer.Region} {
		for _, t := range all.All(level) {
			if inside, known := all.Contains(level, t.Code, lon, lat); inside && known {
				places = append(places, foundPlace{Label: t.Name, Lon: lon, Lat: lat, Score: 1, Kind: string(level), Code: t.Code, Source: "gazetteer"})
				break
			}
		}
	}
	return answerPlaces(w, places)
}

func searchParams(s geocoderSettings, text string) url.Values {
	if s.Format == "nominatim" {
		return url.Values{"q": {text}, "format": {"jsonv2"}, "limit": {"5"}, "addressdetails": {"1"}}
	}
	return url.Values{"q": {text}, "limit": {"5"}}
}

func reverseParams(s geocoderSettings, lat, lon float64) url.Values {
	p := url.Values{"lat": {strconv.FormatFloat(lat, 'f', 6, 64)}, "lon": {strconv.FormatFloat(lon, 'f', 6, 64)}}
	if s.Format == "nominatim" {
		p.Set("format", "jsonv2")
	}
	return p
}

const (
	geocodesKept = 30 * 24 * time.Hour
	geocodeBytes = 256 << 10 // the most of an answer that is read
	politeness   = time.Second
)

// ask asks the configured service, at most once a second from this node, and keeps what it answers for thirty days: Nominatim's
// usage policy wants both (https://operations.osmfoundation.org/policies/nominatim/).
func (g *geo) ask(ctx context.Context, s geocoderSettings, what string, params url.Values) ([]foundPlace, error) {
	address := strings.TrimSuffix(s.URL, "/") + "/" + what + "?" + params.Encode()
	if s.Format != "nominatim" {
		address = strings.TrimSuffix(s.URL, "/") + "/" + what + "/?" + params.Encode()
	}
	sum := sha256.Sum256([]byte(address))
	key := "geocode/" + hex.EncodeToString(sum[:16])
	if kept, _, err := g.host().Store().Get(ctx, key); err == nil {
		return readPlaces(s, kept)
	}
	text, err := g.fetch(ctx, s, address)
	if err != nil {
		return nil, err
	}
	places, err := readPlaces(s, text)
	if err == nil {
		if err := g.host().Store().Put(ctx, key, text, g.host().Now().Add(geocodesKept)); err != nil {
			g.host().Log().Info("what a geocoder answered is not kept", "error", err)
		}
	}
	return places, err
}

func (g *geo) fetch(ctx context.Context, s geocoderSettings, address string) (text []byte, err error) {
	if err := g.turn.wait(ctx); err != nil {
		return nil, core.Refuse(core.CodeUnavailable, "geocoder", "The geocoder is busy. Try again in a moment.", "Le géocodeur est occupé. Réessayez dans un instant.")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, core.Wrap("geo.fetch", err)
	}
	r.Header.Set("User-Agent", fmt.Sprintf("Palabre/1.0 (%s)", contactOf(g.host().PublicURL(), s.Contact)))
	answer, err := g.host().HTTP().Do(r)
	if err != nil {
		return nil, awayGeocoder(err)
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return nil, awayGeocoder(fmt.Errorf("status %d", answer.StatusCode))
	}
	text, err = io.ReadAll(io.LimitReader(answer.Body, geocodeBytes))
	if err != nil {
		return nil, awayGeocoder(err)
	}
	return text, nil
}

func awayGeocoder(cause error) error {
	e := core.Refuse(core.CodeUnavailable, "geocoder", "The geocoder does not answer. Try again later.", "Le géocodeur ne répond pas. Réessayez plus tard.")
	e.Err = cause
	return e
}

// readPlaces reads what a service answers: a FeatureCollection of addok (BAN), or Nominatim's list or single place.
func readPlaces(s geocoderSettings, text []byte) ([]foundPlace, error) {
	if s.Format == "nominatim" {
		return readNominatim(text)
	}
	var c struct {
		Features []struct {
			Geometry   struct{ Coordinates []float64 }
			Properties struct {
				Label, Type, City, Citycode string
				Score                       float64
			}
		}
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, awayGeocoder(err)
	}
	var places []foundPlace
	for _, f := range c.Features {
		if len(f.Geometry.Coordinates) == 2 {
			p := f.Properties
			places = append(places, foundPlace{p.Label, f.Geometry.Coordinates[0], f.Geometry.Coordinates[1], p.Score, p.Type, p.City, p.Citycode, "ban"})
		}
	}
	return places, nil
}

func readNominatim(text []byte) ([]foundPlace, error) {
	type place struct {
		Lat        string  `json:"lat"`
		Lon        string  `json:"lon"`
		Name       string  `json:"display_name"`
		Type       string  `json:"addresstype"`
		Importance float64 `json:"importance"`
	}
	var list []place
	if err := json.Unmarshal(text, &list); err != nil {
		var one place
		if err := json.Unmarshal(text, &one); err != nil {
			return nil, awayGeocoder(err)
		}
		list = []place{one}
	}
	var places []foundPlace
	for _, p := range list {
		lat, errLat := strconv.ParseFloat(p.Lat, 64)
		lon, errLon := strconv.ParseFloat(p.Lon, 64)
		if errLat == nil && errLon == nil {
			places = append(places, foundPlace{Label: p.Name, Lon: lon, Lat: lat, Score: p.Importance, Kind: p.Type, Source: "nominatim"})
		}
	}
	return places, nil
}

// turn lets requests to a service pass one at a time, a pause apart.
type turn struct{ next chan time.Time }

func newTurn() *turn {
	t := &turn{next: make(chan time.Time, 1)}
	t.next <- time.Time{}
	return t
}

func (t *turn) wait(ctx context.Context) error {
	select {
	case at := <-t.next:
		defer func() { t.next <- time.Now().Add(politeness) }()
		pause := time.NewTimer(time.Until(at))
		defer pause.Stop()
		select {
		case <-pause.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}
