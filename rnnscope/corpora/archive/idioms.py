"""Function templates that most programs of the archive share.

`$a`, `$b`, `$c` are nouns of the program's theme, `$q` an adjective, `$n` and `$m` numbers, `$say` and `$hey`
strings to print, `$note` and `$Note` a comment, `$who` a name.
"""

from __future__ import annotations

IDIOMS = (
    """
/* The $a in pence: twelve to the groat, twenty groats to the
   crown. $Note. */
int ${a}_in_pence(int crowns, int groats, int pence) {
    return (crowns * 20 + groats) * 12 + pence;
}
""",
    """
/* Prints a sum of $a in crowns, groats and pence. */
void print_sum_of_$a(int pence) {
    int crowns = pence / 240;
    pence = pence % 240;
    int groats = pence / 12;
    pence = pence % 12;
    say("%d crowns, %d groats, %d pence", crowns, groats, pence);
}
""",
    """
// Strikes the hour, and then once more for $who.
void strike_for_$a(int hour) {
    while (hour > 12) {
        hour -= 12;
    }
    for (int i = 0; i < hour; i++) {
        say("$hey");
    }
    say("$say");  // $note
}
""",
    """
/* The day of the week on which $a are counted. Pellwick has
   seven of them, and $who has asked for an eighth. */
string day_for_$a(int day) {
    if (day == 0) {
        return "Monday";
    } else if (day == 1) {
        return "Tuesday";
    } else if (day == 2) {
        return "Wednesday";
    } else if (day == 3) {
        return "Thursday";
    } else if (day == 4) {
        return "Friday";
    } else if (day == 5) {
        return "Saturday";
    } else if (day == 6) {
        return "Sunday";
    }
    return "$who";  // $note
}
""",
    """
/* Whether the ferry may leave with so many $a aboard. */
bool ferry_leaves_with_$a(int $a, bool foggy, bool sober) {
    if (foggy) {
        say("$say");
        return false;
    }
    if (!sober) {
        say("$hey");
        return false;
    }
    return $a < $n;  // $note
}
""",
    """
/* The fare for $a and $b. Children under $n go free; $b do
   not, whatever $who says. */
int fare_for_$a(int $a, int $b, bool sunday) {
    int fare = $a * $n + $b * $m;
    if (sunday) {
        fare = fare * 2;  // $note
    }
    if (fare > 240) {
        say("$say");
    } else {
        say("That will be %d pence.", fare);
    }
    return fare;
}
""",
    """
// How many minutes slow the clock is, after so many $a.
int minutes_slow_after_$a(int $a) {
    int slow = 11;
    for (int hour = 0; hour < 24; hour++) {
        if (hour % $n == 0) {
            slow += $a;  // $note
        }
        if (slow > 60) {
            say("The clock has lost an hour to $a.");
            slow -= 60;
        }
    }
    return slow;
}
""",
    """
/* Prints the tides of a week, for $who and for the $a. */
void print_tides_for_$a(int high_water) {
    for (int day = 0; day < 7; day++) {
        for (int hour = 0; hour < 24; hour++) {
            if (hour % 12 == high_water) {
                say("High water at %d: mind the $a.", hour);
            } else if (hour % 12 == high_water + 6) {
                say("Low water at %d: count the $b.", hour);
            }
        }
        high_water += 1;  // $note
    }
}
""",
    """
/* Weighs $a against $b and returns the difference. */
int weigh_${a}_against_$b(int $a, int $b) {
    int difference = $a - $b;
    if (difference < 0) {
        say("The $b have it, by %d.", -difference);
        return -difference;
    }
    if (difference == 0) {
        say("A draw. Ask $who.");
    } else {
        say("The $a have it, by %d.", difference);
    }
    return difference;
}
""",
    """
/* Puts the vote on the $a: for, against, and asleep. */
bool carried_vote_on_$a(int votes_for, int votes_against) {
    if (votes_for > votes_against) {
        say("Carried, by %d.", votes_for - votes_against);
        return true;
    } else if (votes_for == votes_against) {
        say("$hey");
        return false;
    }
    say("Lost. The $a remain $q.");  // $note
    return false;
}
""",
    """
/* Divides the $a fairly among so many heirs; what is left
   over goes to $who. */
int share_out_$a(int $a, int heirs) {
    if (heirs == 0) {
        return 0;  // $note
    }
    int share = $a / heirs;
    int left_over = $a % heirs;
    while (left_over > 0) {
        say("One for $who: %d.", left_over);
        left_over -= 1;
    }
    return share;
}
""",
    """
// Lights the lamps from the Ferry Stairs to the Clock Tower.
void light_lamps_for_$a(int lamps, bool moon) {
    for (int lamp = 1; lamp <= lamps; lamp++) {
        if (moon && lamp % 2 == 0) {
            continue;  // by order of the Council
        }
        say("Lamp %d is lit for $a.", lamp);
        if (lamp == $n) {
            say("$say");
        }
    }
}
""",
    """
/* Looks for lost $a, from the cellar to the roof. $Note. */
int look_for_$a(int rooms, int $a) {
    int found = 0;
    int room = 0;
    while (room < rooms && found < $a) {
        if (room % $n == 1) {
            found += 1;
            say("Found: one of the $q $a.");
        }
        room += 1;
    }
    return found;
}
""",
    """
/* The longest queue for $a, and where it stands. $Note. */
int longest_queue_for_$a(int windows, int $a) {
    int longest = 0;
    for (int window = 0; window < windows; window++) {
        int queue = $a % (window + $n);
        if (queue > longest) {
            longest = queue;
            say("Window %d: $hey", window);
        }
    }
    return longest;
}
""",
    """
/* Whether two keepers of $a may sit in one pew. */
bool may_sit_together_over_$a(string keeper, string neighbour) {
    if (keeper == neighbour) {
        return true;
    }
    if (keeper == "$who" || neighbour == "$who") {
        say("$say");
        return false;  // $note
    }
    return true;
}
""",
    """
/* Winds the clock by $a, a tooth at a time, and stops before
   anything breaks. $Note. */
int wind_clock_by_$a(int turns, bool frozen) {
    int tension = $n;
    while (turns > 0) {
        if (tension > 60) {
            say("$say");
            break;
        } else if (frozen && turns % 2 == 0) {
            tension += 1;
        } else {
            tension += $m;  // not $q, but enough
        }
        turns -= 1;
    }
    return tension;
}
""",
    """
/* The quickest crossing: $a by rope, $b by oar. */
int quickest_crossing_for_$a(int by_rope, int by_oar) {
    int best = min(by_rope, by_oar);
    if (best == by_rope) {
        say("By rope, in %d minutes, with the $a.", by_rope);
    } else {
        say("By oar, in %d minutes, with the $b.", by_oar);
    }
    return best;  // $note
}
""",
    """
// Counts down to the release of the $q $a.
void release_$a(int seconds, bool ready) {
    while (seconds > 0) {
        if (seconds <= 3) {
            say("%d: stand back from the $a.", seconds);
        }
        seconds -= 1;
    }
    if (ready) {
        say("$say");
    } else {
        say("$hey");
    }
}
""",
    """
/* The season of the $a, by the month: a quarter of the year is
   enough for $who. */
string season_of_$a(int month) {
    if (month == 12 || month <= 2) {
        return "winter, and no $a";
    } else if (month <= 5) {
        return "spring, and a few $a";
    } else if (month <= 8) {
        return "summer, and too many $a";
    }
    return "autumn: bring in the $a";  // $note
}
""",
    """
/* What is left of the $a after the gulls have been. */
int ${a}_after_gulls(int $a, int gulls, bool watched) {
    if (watched) {
        return $a;
    }
    for (int gull = 0; gull < gulls; gull++) {
        if ($a == 0) {
            say("$say");
            return 0;
        }
        $a -= 1;  // $note
    }
    return $a;
}
""",
)
