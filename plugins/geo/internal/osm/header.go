package osm

import (
	"fmt"
	"time"

	"github.com/paulmach/orb"
	"google.golang.org/protobuf/encoding/protowire"
)

// header is what a file says of itself.
type header struct {
	required, optional []string
	program, source    string
	replication        string
	timestamp          time.Time
	bounds             *orb.Bound
}

func readHeader(data []byte) (header, error) {
	var h header
	err := walk(data, func(f field) (err error) {
		switch f.num {
		case 1:
			h.bounds, err = readBounds(f.bytes)
		case 4:
			h.required = append(h.required, string(f.bytes))
		case 5:
			h.optional = append(h.optional, string(f.bytes))
		case 16:
			h.program = string(f.bytes)
		case 17:
			h.source = string(f.bytes)
		case 32:
			h.timestamp = time.Unix(int64(f.varint), 0).UTC()
		case 34:
			h.replication = string(f.bytes)
		}
		return err
	})
	if err != nil {
		return header{}, err
	}
	return h, h.check()
}

// check refuses what would be read wrongly.
func (h header) check() error {
	for _, feature := range h.required {
		switch feature {
		case "OsmSchema-V0.6", "DenseNodes":
		case "HistoricalInformation":
			return refuse("The extract holds the history of every element. Use one of the present state.",
				"L’extrait contient l’historique de chaque élément. Utilisez-en un de l’état présent.")
		default:
			return refuse(fmt.Sprintf("The extract needs a reader that knows %q. Rewrite it with: osmium cat FILE -o NEW.osm.pbf", feature),
				fmt.Sprintf("L’extrait demande un lecteur qui connaît %q. Réécrivez-le par : osmium cat FICHIER -o NOUVEAU.osm.pbf", feature))
		}
	}
	for _, feature := range h.optional {
		if feature == "LocationsOnWays" {
			return refuse("The extract keeps places on its ways (LocationsOnWays) and may lack the nodes. Use the extract that it was made from.",
				"L’extrait garde les positions sur ses chemins (LocationsOnWays) et peut manquer de nœuds. Utilisez l’extrait dont il est issu.")
		}
	}
	return nil
}

func readBounds(data []byte) (*orb.Bound, error) {
	var sides [5]float64 // left, right, top, bottom at 1 to 4
	err := walk(data, func(f field) error {
		if f.num >= 1 && f.num <= 4 {
			sides[f.num] = float64(protowire.DecodeZigZag(f.varint)) / 1e9
		}
		return nil
	})
	return &orb.Bound{Min: orb.Point{sides[1], sides[4]}, Max: orb.Point{sides[2], sides[3]}}, err
}
