import { drive } from '../child/drive.ts';
import { openBaton } from './contender.ts';

await drive(openBaton);
