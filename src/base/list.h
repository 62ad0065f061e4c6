/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked lists of items of any type, by the names of the members: `next` and `prev` of the
 * item, `first` and `last` of the list, which a zeroed one has right. An item is in one list at a
 * time; whoever counts them does so beside. The arguments are pointers, and evaluated several
 * times.
 */
#ifndef ES_BASE_LIST_H
#define ES_BASE_LIST_H

#include <stddef.h>

#define ES_LIST_PREPEND(list, item)                                                                \
    do {                                                                                           \
        (item)->prev = NULL;                                                                       \
        (item)->next = (list)->first;                                                              \
        *((item)->next != NULL ? &(item)->next->prev : &(list)->last) = (item);                    \
        (list)->first = (item);                                                                    \
    } while (0)

#define ES_LIST_APPEND(list, item)                                                                 \
    do {                                                                                           \
        (item)->next = NULL;                                                                       \
        (item)->prev = (list)->last;                                                               \
        *((item)->prev != NULL ? &(item)->prev->next : &(list)->first) = (item);                   \
        (list)->last = (item);                                                                     \
    } while (0)

/* Its own members stay as they are: whoever walks through the list may go on from it. */
#define ES_LIST_REMOVE(list, item)                                                                 \
    do {                                                                                           \
        *((item)->prev != NULL ? &(item)->prev->next : &(list)->first) = (item)->next;             \
        *((item)->next != NULL ? &(item)->next->prev : &(list)->last) = (item)->prev;              \
    } while (0)

#endif
