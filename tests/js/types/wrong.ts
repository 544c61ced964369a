// What a compiler has to refuse: each of these lines is an error, or the types say nothing.

import * as tf from '@tensorflow/tfjs';
import {Daemon, mirror, register} from 'tfjsd';
import {install} from 'tfjsd/node';

// @ts-expect-error: a daemon has an address
register(tf, {token: 'secret'});
// @ts-expect-error: no such direction
mirror(tf, {direction: 'sideways'});
// @ts-expect-error: a string is no TensorFlow.js
register('tf', {url: 'http://127.0.0.1:8765', token: 'secret'});
// @ts-expect-error: weights are buffers
new Daemon({url: '', token: ''}).saveModel('indexeddb://m', {weightData: 'no'});
// @ts-expect-error: storage is asynchronous in a page
register(tf, {url: '', token: ''}).localStorage.getItem('k').length;
// @ts-expect-error: an info has no such member
new Daemon({url: '', token: ''}).modelInfo('indexeddb://m').then((info) => info.weightBytes);
// @ts-expect-error: keys are strings
install(tf, {home: '/h'}).localStorage.getItem(3);
