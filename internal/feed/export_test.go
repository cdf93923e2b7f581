package feed

import "os"

// Swap has the journal write to another file, and returns the one that it wrote to.
func (j *Journal) Swap(file *os.File) *os.File {
	j.file, file = file, j.file
	j.path = j.file.Name()
	return file
}

// RecentKept is the least that listeners can look back on.
const RecentKept = recentKept
