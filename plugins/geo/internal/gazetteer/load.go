package gazetteer

import (
	_ "embed" // the packed files
	"fmt"
	"sync"

	"github.com/palabre-cms/palabre/plugins/geo/internal/gazetteer/internal/packed"
)

//go:generate go run ./internal/pack $GAZETTEER_SOURCE data

var (
	//go:embed data/territories.gz
	territoriesFile []byte
	//go:embed data/outlines.gz
	outlinesFile []byte
)

// A Gazetteer answers questions about territories. It does not change, so that any number of goroutines may ask at once.
type Gazetteer struct {
	table packed.Table
	rows  []packed.Row // of the table; places in it name territories

	epciDepartements map[int32][]int32 // the départements that an EPCI lies in, the most populous part first
	epciRegions      map[int32][]int32 // and the régions of these

	columns func() *columns // made for the first search

	outlines map[int32]*outline
	radii    map[int32]float64        // of the communes of a département, in metres
	members  func() map[int32][]int32 // the communes with a centre of each territory that has no outline
	offshore func() map[int32]float64 // of communes whose centre lies outside, how far from the outline of their département
}

// Load gives the gazetteer of the territories that are shipped with the program. The first call unpacks it, in some tens
// of milliseconds; the others share what it has made. What searches and questions about places need besides is prepared by
// the first one of each.
func Load() (*Gazetteer, error) { return shared() }

var shared = sync.OnceValues(func() (*Gazetteer, error) { return build(territoriesFile, outlinesFile) })

func build(territories, outlines []byte) (*Gazetteer, error) {
	table, err := packed.DecodeTable(territories)
	if err != nil {
		return nil, fmt.Errorf("gazetteer: %w", err)
	}
	shapes, err := packed.DecodeOutlines(outlines)
	if err != nil {
		return nil, fmt.Errorf("gazetteer: %w", err)
	}
	g := &Gazetteer{table: *table, rows: table.Rows}
	g.columns = sync.OnceValue(g.newColumns)
	g.derive()
	if err := g.shape(shapes); err != nil {
		return nil, err
	}
	return g, nil
}
