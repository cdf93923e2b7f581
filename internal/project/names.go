package project

import (
	"context"

	"github.com/google/uuid"
)

// Names returns what people know token sets by: the name of the project and that of the set, of those of the sets that live.
func (p *Projects) Names(ctx context.Context, sets []uuid.UUID) (map[uuid.UUID]string, error) {
	names := make(map[uuid.UUID]string, len(sets))
	if len(sets) == 0 {
		return names, nil
	}
	wanted := make(map[uuid.UUID]bool, len(sets))
	for _, id := range sets {
		wanted[id] = true
	}
	entries, err := p.cfg.Store.AllProjects(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		for _, s := range e.Sets {
			if wanted[s.ID] {
				names[s.ID] = e.Name + ", " + s.Name
			}
		}
	}
	return names, nil
}
